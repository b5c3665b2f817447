// SPDX-License-Identifier: GPL-2.0
/* How a picture looks, light and dark. Every colour on its ground has the contrast of WCAG 2, AA. */
#include "draw/draw.h"

static const char style[] =
	".cordon-policy text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1f2328 }\n"
	".cordon-policy .name { font-weight: bold }\n"
	".cordon-policy text.demand, .cordon-policy text.note { font-size: 11px; fill: #59636e }\n"
	".cordon-policy text.quiet { fill: #59636e }\n"
	".cordon-policy text.letter { font-size: 10px; font-weight: bold; text-anchor: middle }\n"
	".cordon-policy .middle { text-anchor: middle }\n"
	".cordon-policy .ground { fill: #ffffff }\n"
	".cordon-policy .grid, .cordon-policy .edge { fill: none; stroke: #c8d1da }\n"
	".cordon-policy .edge { stroke: #59636e }\n"
	".cordon-policy .head { fill: #59636e }\n"
	".cordon-policy .node { fill: #f6f8fa; stroke: #59636e }\n"
	".cordon-policy .cell { fill: #f6f8fa }\n"
	".cordon-policy .open .cell { fill: #d3f5dc }\n"
	".cordon-policy .plaintext .cell { fill: #fff1c2 }\n"
	".cordon-policy .mark { fill: none; stroke: #1f2328; stroke-width: 1.2 }\n"
	".cordon-policy .full { fill: #1f2328 }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"\t.cordon-policy text { fill: #e6edf3 }\n"
	"\t.cordon-policy text.demand, .cordon-policy text.note, .cordon-policy text.quiet { fill: #9aa4ae }\n"
	"\t.cordon-policy .ground { fill: #0d1117 }\n"
	"\t.cordon-policy .grid { stroke: #3d444d }\n"
	"\t.cordon-policy .edge { stroke: #9aa4ae }\n"
	"\t.cordon-policy .head { fill: #9aa4ae }\n"
	"\t.cordon-policy .node { fill: #161b22; stroke: #9aa4ae }\n"
	"\t.cordon-policy .cell { fill: #161b22 }\n"
	"\t.cordon-policy .open .cell { fill: #12351f }\n"
	"\t.cordon-policy .plaintext .cell { fill: #3f3107 }\n"
	"\t.cordon-policy .mark { stroke: #e6edf3 }\n"
	"\t.cordon-policy .full { fill: #e6edf3 }\n"
	"}\n";

/**
 * draw_style - the style sheet of the pictures; all of it is for what is in class cordon-policy
 * @out: where to
 */
void draw_style(FILE *out)
{
	fputs(style, out);
}
