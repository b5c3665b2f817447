// SPDX-License-Identifier: GPL-2.0
// Two things that HTML alone cannot: plots that answer, and events as they come. Without it every fact is there.
"use strict";

// A row comes as the server has escaped it; it is parsed in a document of its own, in which nothing runs.
function row(html) {
	const parsed = new DOMParser().parseFromString("<table><tbody>" + html + "</tbody></table>", "text/html");
	const tr = parsed.querySelector("tr[data-key]");

	return tr && document.adoptNode(tr);
}

// Who may act gets a button in a row that came by itself, too; the stream does not know who reads it.
function complete(tr) {
	const form = document.querySelector("#acknowledge"), id = /^anomaly-([0-9]+)-/.exec(tr.dataset.key);
	const cell = tr.lastElementChild;

	if (!form || !id || cell.textContent !== "no")
		return;
	cell.replaceChildren(form.content.cloneNode(true));
	cell.querySelector("form").setAttribute("action", `/episode/${id[1]}/acknowledge`);
}

function live(status) {
	const body = document.querySelector("table.events tbody");
	const stream = new EventSource(status.dataset.stream + "?since=" + encodeURIComponent(status.dataset.since));

	stream.addEventListener("open", () => { status.textContent = "Live: new events appear at the top."; });
	stream.addEventListener("error", () => { status.textContent = "Not connected; new events do not appear."; });
	stream.addEventListener("row", (event) => {
		const tr = row(event.data);
		let known;

		if (!tr)
			return;
		complete(tr);
		known = Array.from(body.rows).find((other) => other.dataset.key === tr.dataset.key);
		if (known && known.innerHTML === tr.innerHTML)
			return;
		if (known)
			known.remove();
		tr.classList.add("new");
		body.prepend(tr);
		while (body.rows.length > 500)
			body.lastElementChild.remove();
	});
	window.addEventListener("pagehide", () => stream.close());
}

function amount(n, bytes) {
	const units = bytes ? ["B", "kB", "MB", "GB", "TB", "PB"] : ["", "k", "M", "G", "T"];
	let i = 0;

	while (n >= 999.5 && i < units.length - 1) {
		n /= 1000;
		i++;
	}
	return (i && n < 9.95 ? n.toFixed(1) : Number(n.toFixed(bytes ? 0 : 1))) + (units[i] ? "\u00a0" + units[i] : "");
}

function colours() {
	const style = getComputedStyle(document.documentElement);

	return {
		colors: [style.getPropertyValue("--line-a").trim(), style.getPropertyValue("--line-b").trim()],
		gridLineColor: style.getPropertyValue("--line").trim(),
		axisLineColor: style.getPropertyValue("--line").trim(),
		axisLabelColor: style.getPropertyValue("--soft").trim(),
	};
}

async function chart(figure) {
	const bytes = figure.id === "chart-traffic", first = bytes ? 1 : 3;
	const answer = await fetch(figure.dataset.src, { credentials: "same-origin" });
	const plot = figure.querySelector(".plot"), drawn = document.createElement("div"), said = document.createElement("span");
	const keys = Array.from(plot.querySelectorAll(".key"), (key) => key.textContent);
	let data, graph;

	if (!answer.ok)
		return;
	data = await answer.json();
	drawn.className = "drawn";
	drawn.setAttribute("role", "img");
	drawn.setAttribute("aria-label", plot.querySelector("svg").getAttribute("aria-label"));
	plot.classList.add("enhanced");
	plot.prepend(drawn);
	plot.querySelector(".legend").append(said);
	graph = new Dygraph(drawn, data.rows.map((r) => [new Date(r[0] * 1000), r[first], r[first + 1]]), {
		...colours(), labels: ["time", ...keys], includeZero: true, strokeWidth: 2,
		series: { [keys[1]]: { strokePattern: [5, 3] } }, axisLabelFontSize: 12,
		axes: { y: { axisLabelFormatter: (n) => amount(n, bytes), axisLabelWidth: 60 } },
		highlightCallback: (event, x, points) => {
			said.textContent = new Date(x).toLocaleString() + ": " +
				points.map((p) => p.name + " " + amount(p.yval, bytes)).join(", ");
		},
		unhighlightCallback: () => { said.textContent = ""; },
	});
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graph.updateOptions(colours()));
}

for (const status of document.querySelectorAll("#live"))
	live(status);
if (typeof Dygraph !== "undefined") {
	// Its legend measures itself by an inline style, which the page's policy refuses; the pages have their own.
	Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
	for (const figure of document.querySelectorAll(".chart"))
		chart(figure).catch(() => {});
}
