package report

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// site is a plan of so many racks of three switches, two of which have a spine, and of so many machines; the first of each
// rack announces.
func site(racks, machines int) *ir.Plan {
	p := &ir.Plan{Name: "site", Switches: []ir.Switch{{Hostname: "spine-1", Role: "spine"}}}
	pool := ir.Pool{Name: "public", Protocol: "bgp", VIPs: []ir.VIP{{Address: netip.MustParseAddr("192.0.2.1"), Gateway: "web"}}}
	for r := range racks {
		rack := ir.Rack{Name: fmt.Sprintf("rack-%03d", r)}
		for _, x := range []string{"a", "b", "c"} {
			rack.ToRs = append(rack.ToRs, rack.Name+"-"+x)
		}
		for i, tor := range rack.ToRs[:2] {
			p.Switches = append(p.Switches, ir.Switch{Hostname: tor, Role: "tor", Uplinks: []ir.Uplink{{Switch: tor, Spine: "spine-1"}}})
			p.LoadBalancer.Peerings = append(p.LoadBalancer.Peerings, ir.Peering{Name: fmt.Sprint(r, i), Rack: rack.Name, Switch: tor,
				Speakers: []ir.Speaker{{Node: rack.Name + "-m0"}}})
		}
		for m := range machines {
			p.Nodes = append(p.Nodes, ir.Node{Name: fmt.Sprintf("%s-m%d", rack.Name, m), Rack: rack.Name, Class: "edge", Speaker: m == 0})
		}
		pool.Announcers = append(pool.Announcers, rack.Name+"-m0")
		p.Racks = append(p.Racks, rack)
	}
	p.Pools = []ir.Pool{pool}
	return p
}

// TestLayout holds pictures of all sizes to what makes them readable: no box on another or over the edge, each name within
// its box, each machine once, and each session a line.
func TestLayout(t *testing.T) {
	for _, s := range []struct{ racks, machines, boxes, links int }{
		{1, 1, 1 + 1 + 3 + 1, 2 + 2},
		{2, 12, 2 + 2*(3+12), 4 + 4},
		{5, 3, 2 + 5*(3+3), 10 + 10 + 2*2 + 1}, // rows: a line along each and down to it, and one from the spine
		{50, 40, 2 + 50*(3+2), 100 + 100 + 17*2 + 1},
	} {
		d := draw(site(s.racks, s.machines))
		machines := 0
		for i, b := range d.boxes {
			machines += b.machines
			if b.x < 0 || b.y < 0 || b.x+b.w > d.width || b.y+b.h > d.height {
				t.Errorf("%v: %s stands over the edge", s, b.name)
			}
			if textWidth(b.name)+16 > b.w {
				t.Errorf("%v: %s is wider than its box", s, b.name)
			}
			for _, o := range d.boxes[:i] {
				if b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h {
					t.Fatalf("%v: %s stands on %s", s, b.name, o.name)
				}
			}
		}
		if machines != s.racks*s.machines || len(d.boxes) != s.boxes || len(d.links) != s.links {
			t.Errorf("%v: %d machines, %d boxes, %d links", s, machines, len(d.boxes), len(d.links))
		}
		if d.counted != (s.machines > eachInRack || s.racks*s.machines > eachNode) {
			t.Errorf("%v: counted %v", s, d.counted)
		}
	}
}

func TestFlowchart(t *testing.T) {
	if n := edges(site(50, 40)); n <= mostEdges {
		t.Fatal(n)
	}
	if lines := flowchart(site(50, 40), true); len(lines) != 1+1+1+50+50 || !slices.Contains(lines, `  rack2["rack rack-000<br/>3 switches<br/>40 machines"]`) {
		t.Errorf("%d lines: %.300q", len(lines), lines)
	}
	p := site(1, 2)
	p.Racks[0].Name, p.Nodes[0].Rack, p.Nodes[1].Rack = `a "b"`, `a "b"`, `a "b"`
	if lines := flowchart(p, false); !slices.Contains(lines, `  subgraph rack2["rack a #quot;b#quot;"]`) {
		t.Errorf("%q", lines)
	}
}

func TestRunbook(t *testing.T) {
	got := chaptersOf("<!-- x -->\n# Title\n\nIntro\n\n## First things\ntext\n```sh\n## no heading\n```\n## Second\n")
	want := []chapter{{"", "", "\nIntro\n\n"}, {"First things", "first-things", "text\n```sh\n## no heading\n```\n"}, {"Second", "second", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := rendered("### A\n[b](#c-d) `<x>`\n"); got != `<h4>A</h4>
<p><a href="#runbook-c-d">b</a> <code>&lt;x&gt;</code></p>` {
		t.Error(got)
	}
}
