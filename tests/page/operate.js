// SPDX-License-Identifier: GPL-2.0
// operate.js URL CERTIFICATE KEY MAC: look, and act, as an operator and as somebody. Prints "ok - " and "not ok - ".
"use strict";

const { chromium } = require("playwright-core");
const [url, certPath, keyPath, mac] = process.argv.slice(2);

function ok(good, name, why) {
	if (!good && why)
		console.log(String(why));
	console.log(`${good ? "ok" : "not ok"} - ${name}`);
}

async function open(browser, options) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
	const page = await context.newPage();
	const faults = [];

	page.on("console", (m) => { if (["error", "warning"].includes(m.type())) faults.push(m.text()); });
	page.on("pageerror", (e) => faults.push(String(e)));
	return { page, faults };
}

async function look(who, { page, faults }) {
	for (const path of ["/", "/devices", "/policy", "/events", "/firmware", `/device/${mac}`]) {
		const answer = await page.goto(url + path);

		ok(answer.status() === 200, `${who}: ${path}`, answer.status());
		if (path === "/events") {
			await page.waitForFunction(() => document.querySelector("#live").textContent.startsWith("Live"));
			ok(true, `${who}: events come live`);
		}
	}
	await page.waitForFunction(() => document.querySelectorAll(".plot.enhanced canvas").length >= 4);
	ok(!faults.length, `${who}: nothing on the console`, faults.join("\n"));
}

async function main() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });

	try {
		const somebody = await open(browser, {});
		const operator = await open(browser, { clientCertificates: [{ origin: url, certPath, keyPath }] });

		await look("somebody", somebody);
		ok(await somebody.page.locator("form.act").count() === 0, "somebody: there is nothing to click");
		await look("an operator", operator);
		const [answer] = await Promise.all([operator.page.waitForResponse((r) => r.request().method() === "POST"),
			operator.page.locator(".acts button").click()]);
		ok(answer.status() === 303, "an operator: a click is taken", `${answer.status()} ${await answer.text().catch(() => "")}`);
		await operator.page.waitForLoadState();
		ok(new URL(operator.page.url()).pathname === `/device/${mac}`, "an operator: and leads back", operator.page.url());
	} finally {
		await browser.close();
	}
}

main().catch((error) => {
	console.log(error.stack);
	process.exit(1);
});
