package documents

import (
	"strings"

	analysis "meshgen.dev/meshgen/compiler/analyze/capacity"
	"meshgen.dev/meshgen/compiler/backend"
)

// growth says what ends first when the load doubles.
func growth(m *backend.Markdown, r *analysis.Report) {
	m.Heading("What breaks first")
	m.Text("Each load doubled by itself: pods on every node, connections of every pod and gateway, sites of the federation. In percent of the limit; what is over 100 breaks. " +
		"A line stands for all host groups with the same numbers; " + code("meshgen capacity") + " prints the same.")
	m.Head("what", "where", "limit", "now", "pods x 2", "connections x 2", "sites x 2", "beyond the limit")
	for i := range r.Growth {
		g := &r.Growth[i]
		m.Row(g.What, g.Where, number(g.Limit), percent(g, ""), percent(g, analysis.Pods), percent(g, analysis.Connections), percent(g, analysis.Sites), g.After)
	}
	for _, l := range analysis.Loads {
		m.Text(capitalized(string(l)) + " doubled: " + r.First(l) + ".")
	}
}

func percent(g *analysis.Growth, l analysis.Load) string {
	if l != "" && g.Doubled[l] == g.Now {
		return "-"
	}
	return number(g.Percent(l)) + " %"
}

func capitalized(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// sizes says whether one proxy has the memory that it needs.
func sizes(m *backend.Markdown, r *analysis.Report) {
	if len(r.Sizes) == 0 {
		return
	}
	m.Heading("Size of one proxy")
	text := "A proxy holds the configuration of the services in its view, of which the table counts the site's own, and buffers of its connections. "
	if r.Proxy.MeasuredMB > 0 {
		text += "Measured: what the mesh's project publishes of one proxy with " + number(r.Proxy.Services) + " services in view, at " + number(r.Proxy.Requests) + " requests a second. "
	} else {
		text += "The mesh's project publishes no measurement. "
	}
	m.Text(text + "Slow readers: what Envoy may hold when the other side of every connection reads slowly, 2 x 1 MiB each (2 x 32 KiB behind Envoy Gateway); no proxy comes near it in good times, and its limit decides what happens in bad ones.")
	m.Head("proxy", "services in view", "connections", "request", "limit", "measured", "slow readers", "")
	for i := range r.Sizes {
		s := &r.Sizes[i]
		m.Row(s.Who, number(s.InView), set(s.Connections, ""), set(s.RequestMiB, " MiB"), set(s.LimitMiB, " MiB"), set(s.MeasuredMB, " MB"), set(s.BuffersMiB, " MiB"), s.Short())
	}
}

// set writes a number that is not given as a dash.
func set(n int, unit string) string {
	if n == 0 {
		return "-"
	}
	return number(n) + unit
}

// logs says how much access logs are, at least.
func logs(m *backend.Markdown, r *analysis.Report) {
	m.Heading("Access logs")
	if r.Logs.Mode == "off" {
		m.Text("Proxies write none.")
		return
	}
	m.Text("At least: a line of 400 B for each connection that ends, " + code("capacity.closesPerSecond") + " on every node; where errors alone are logged, 1 % of them. A connection that carries n requests leaves n lines. Planning figures.")
	m.Head("logged", "lines a second", "a day")
	m.Row(r.Logs.Mode, number(r.Logs.LinesPerSec), mib(r.Logs.MiBPerDay))
}
