// SPDX-License-Identifier: GPL-2.0
// picture.js SERVER DIR LIVE_DIR FILE: the overview, as a PNG.
"use strict";

const { spawn } = require("node:child_process");
const { chromium } = require("playwright-core");

const [server, dir, liveDir, file] = process.argv.slice(2);
const child = spawn(server, [dir, liveDir], { stdio: ["ignore", "pipe", "inherit"] });

child.stdout.once("data", async (data) => {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
	const page = await browser.newPage({ viewport: { width: 1000, height: 640 }, colorScheme: "light", timezoneId: "UTC" });

	await page.goto(`http://127.0.0.1:${String(data).split("\n")[0]}/`);
	await page.screenshot({ path: file });
	await browser.close();
	child.kill();
});
