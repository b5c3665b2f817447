#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scraped.py PORT PROGRAM...: /metrics at the loopback is what the program prints: the server's, without the server."""
import http.server
import subprocess
import sys


class Scraped(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, check=False)
        self.send_response(200 if done.returncode == 0 else 503)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write(done.stdout)

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Scraped).serve_forever()
