# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# lib.sh (to be sourced): cases of TAP, and certificates, for tests of cordonctl.
n=0
failed=0
export CORDON_AUDIT=${CORDON_AUDIT:-$PWD/build/unit/audit/audit.jsonl}	# not this machine's own
shown=()	# files that tell what happened, where a case fails

# ok NAME [STATUS]: as the last command went
ok() {
	local status=${2-$?} file

	n=$((n + 1))
	if [ "$status" = 0 ]; then
		echo "ok $n - $1"
		return
	fi
	echo "not ok $n - $1"
	failed=1
	for file in "${shown[@]}"; do
		[ ! -e "$file" ] || tail -n 30 "$file" | sed "s|^|# ${file##*/}: |"
	done
}

# certify NAME SUBJECT ISSUER DAYS EXTENSIONS...: NAME.key and NAME.crt; ISSUER may be NAME itself
certify() {
	local name=$1 subject=$2 issuer=$3 days=$4

	shift 4
	printf '%s\n' "$@" > "$name.cnf"
	openssl ecparam -genkey -name prime256v1 -noout -out "$name.key"
	openssl req -new -key "$name.key" -subj "$subject" -out "$name.req"
	if [ "$name" = "$issuer" ]; then
		openssl x509 -req -in "$name.req" -signkey "$name.key" -days "$days" -extfile "$name.cnf" -out "$name.crt"
	else
		openssl x509 -req -in "$name.req" -CA "$issuer.crt" -CAkey "$issuer.key" -CAcreateserial \
			-days "$days" -extfile "$name.cnf" -out "$name.crt"
	fi
}

# parses FILE ARGUMENT...: where --json is among the arguments, the file is JSON, or empty
parses() {
	case " ${*:2} " in
	*' --json '*) [ ! -s "$1" ] || /usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1], "rb"))' "$1" ;;
	esac
}
