package verify

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// wellFormed reads a picture as the XML that browsers take it for, and holds its boxes against its sheet.
func (d *page) wellFormed() {
	z := xml.NewDecoder(bytes.NewReader(d.f.Bytes()))
	var width, height float64
	depth, roots := 0, 0
	for {
		token, err := z.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := z.InputPos()
		if err != nil {
			d.p.report(d.f, line, rulePage, "not XML: %v", err)
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			at := map[string]string{}
			for _, a := range t.Attr {
				at[a.Name.Local] = a.Value
			}
			number := func(key string) float64 { v, _ := strconv.ParseFloat(at[key], 64); return v }
			switch t.Name.Local {
			case "svg":
				width, height = number("width"), number("height")
				if at["viewBox"] != "0 0 "+at["width"]+" "+at["height"] {
					d.p.report(d.f, line, rulePage, "the size is not that of the view")
				}
			case "rect":
				if at["width"] != "100%" && (number("x") < 0 || number("y") < 0 || number("x")+number("width") > width || number("y")+number("height") > height) {
					d.p.report(d.f, line, rulePage, "a box stands over the edge of the picture")
				}
			}
		case xml.EndElement:
			depth--
		}
	}
	if roots != 1 {
		d.report("the picture has %d roots", roots)
	}
}

// The statements of a flowchart, as far as we write them (mermaid.js.org, "Flowcharts - Basic Syntax").
var (
	chartHead  = regexp.MustCompile(`^flowchart (TB|LR)$`)
	chartGroup = regexp.MustCompile(`^subgraph (\w+)\["[^"]+"\]$`)
	chartNode  = regexp.MustCompile(`^(\w+)(?:\(\["([^"]+)"\]\)|\["([^"]+)"\]|\("([^"]+)"\))$`)
	chartEdge  = regexp.MustCompile(`^(\w+) (?:---|-\.->) (\w+)$`)
)

// mostChartEdges and mostChartText are what Mermaid draws (maxEdges and maxTextSize of its configuration schema, mermaid
// 11, 2026-11-21): beyond, it shows an error in place of the diagram.
const (
	mostChartEdges = 500
	mostChartText  = 50000
)

// chartReserved is no name of a node: it ends a group.
const chartReserved = "end"

// readChart checks the lines of a Mermaid block of a document, the first of which is line first, and returns the labels.
func readChart(lines []string, first int, report func(line int, format string, args ...any)) (labels []string) {
	ids := map[string]bool{}
	groups, edges, size := 0, 0, 0
	for i, raw := range lines {
		n, text := first+i, strings.TrimSpace(raw)
		size += len(raw) + 1
		define := func(id string) {
			if ids[id] || id == chartReserved {
				report(n, "%s is defined twice, or reserved", id)
			}
			ids[id] = true
		}
		switch {
		case i == 0:
			if !chartHead.MatchString(text) {
				report(n, "the diagram is no flowchart")
			}
		case text == chartReserved:
			if groups--; groups < 0 {
				report(n, "no group ends here")
			}
		case chartGroup.MatchString(text):
			define(chartGroup.FindStringSubmatch(text)[1])
			groups++
		case chartNode.MatchString(text):
			m := chartNode.FindStringSubmatch(text)
			define(m[1])
			labels = append(labels, m[2]+m[3]+m[4])
		case chartEdge.MatchString(text):
			m := chartEdge.FindStringSubmatch(text)
			for _, id := range m[1:] {
				if !ids[id] {
					report(n, "the line leads to %s, which is not defined", id)
				}
			}
			edges++
		default:
			report(n, "%q is no statement of a flowchart", text)
		}
	}
	if groups > 0 {
		report(first, "a group is not closed")
	}
	if edges > mostChartEdges || size > mostChartText {
		report(first, "%d lines and %d characters are more than Mermaid draws", edges, size)
	}
	return labels
}

// A chart is a diagram of a document.
type chart struct {
	f      *artifact.File
	labels []string // of its nodes; lines of a label are divided by "<br/>"
}

// checkChart holds a diagram against the tree: every address, and as many machines.
func (p *pass) checkChart(c chart, hosts int) {
	first := map[string]bool{}
	n := 0
	for _, label := range c.labels {
		parts := strings.Split(label, "<br/>")
		first[parts[0]] = true
		counted := 0
		for _, part := range parts {
			counted += machines(part)
		}
		if counted == 0 && p.machines != nil && p.machines.hosts[parts[0]] != nil {
			counted = 1
		}
		n += counted
	}
	if n != hosts {
		p.report(c.f, 0, rulePage, "the diagram has %d machines, the inventory %d", n, hosts)
	}
	if p.expected != nil {
		for _, v := range p.expected.VIPs {
			if !first[v.Address] {
				p.report(c.f, 0, rulePage, "the diagram has no address %s", v.Address)
			}
		}
	}
}
