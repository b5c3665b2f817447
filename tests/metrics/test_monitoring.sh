#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The files for Prometheus, Alertmanager and Grafana: valid, tested, and about metrics that there are.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")
files=userspace/monitoring
names=build/metrics.names

run() {	# COMMAND...
	"$@" >"$dir/out" 2>"$dir/err"
}

refused() {	# MESSAGE COMMAND...: it fails and says so
	! run "${@:2}" && grep -qF "$1" "$dir/out" "$dir/err"
}

make -s build/metrics.names >"$dir/out" 2>&1
ok "the list of names is made"
tools=$(tests/metrics/tools.sh 2>"$dir/err")/usr/bin
ok "Prometheus' tools are there"

run "$tools/promtool" check rules $files/cordon.rules.yml
ok "promtool check rules"
run "$tools/promtool" check config $files/prometheus.yml
ok "promtool check config"
run "$tools/promtool" test rules tests/metrics/rules.test.yml
ok "promtool test rules"
sed 's/cordon_up == 0 unless/cordon_up == 2 unless/' $files/cordon.rules.yml >"$dir/cordon.rules.yml"
sed "s|^rule_files:.*|rule_files: [$dir/cordon.rules.yml]|" tests/metrics/rules.test.yml >"$dir/test.yml"
refused CordonModuleMissing "$tools/promtool" test rules "$dir/test.yml"
ok "control: an alert that never comes is found"
run "$tools/amtool" check-config $files/alertmanager.yml
ok "amtool check-config"
[ "$("$tools/amtool" config routes test --config.file=$files/alertmanager.yml severity=critical 2>"$dir/err")" = people ]
ok "a critical alert reaches people"

sed -n 's/^ *- alert: //p' $files/cordon.rules.yml | sort >"$dir/alerts"
sed -n 's/^ *- alertname: //p' tests/metrics/rules.test.yml | sort -u >"$dir/tested"
[ -s "$dir/alerts" ] && run diff "$dir/alerts" "$dir/tested"
ok "every alert is tested"
while read -r alert; do
	grep -qF "\`$alert\`" Documentation/monitoring.md || echo "$alert"
done <"$dir/alerts" >"$dir/out"
cut -f 1 $names | while read -r name; do
	grep -qF "\`$name\`" Documentation/monitoring.md || echo "$name"
done >>"$dir/out"
[ ! -s "$dir/out" ]
ok "Documentation/monitoring.md has every metric and alert"

run $files/names.py $names $files/*.yml $files/dashboard.yaml tests/metrics/rules.test.yml Documentation/monitoring.md
ok "no file names a metric or a label that is not there"
for fault in 'cordon_devices{|cordon_devises{|no such metric: cordon_devises' \
	'{state="expired"}|{status="expired"}|cordon_devices has no label status' \
	'by (job, instance, kind)|by (job, instance, sort)|nothing has a label sort' \
	'cordon:devices_quarantined > 20|cordon:quarantined > 20|no such recording rule: cordon:quarantined'; do
	IFS='|' read -r from to message <<<"$fault"
	/usr/bin/python3 -c 'import sys; print(sys.stdin.read().replace(sys.argv[1], sys.argv[2]))' "$from" "$to" \
		<$files/cordon.rules.yml >"$dir/rules.yml"
	refused "$message" $files/names.py $names "$dir/rules.yml"
	ok "control: $message"
done

run $files/dashboard.py $names $files/dashboard.yaml && cmp -s "$dir/out" $files/cordon.dashboard.json
ok "the dashboard is what dashboard.yaml gives"
sed 's/cordon_policy_generation/cordon_policy_number/' $files/dashboard.yaml >"$dir/source.yaml"
refused "panel 'Policy': no such metric: cordon_policy_number" $files/dashboard.py $names "$dir/source.yaml"
ok "control: it is not made of a metric that is not there"
sed 's/of: reason/of: cause/' $files/dashboard.yaml >"$dir/source.yaml"
refused "panel 'Refused': none of its metrics has a label cause" $files/dashboard.py $names "$dir/source.yaml"
ok "control: nor of a label"
echo "1..$n"
exit $failed
