package report

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// capacity draws what the declared load takes of machines and pools. CAPACITY.md has the formulas.
func capacity(w *writer, p *ir.Plan) {
	w.section("capacity", "Capacity", "capacity", "racks", "nodeClasses", "gateways", "exposures", "pools", "mesh", "namespaces", "observability", "fabric", "loadBalancer", "kubernetes", "components")
	w.text(`Worked out from what the site declares; <a href="CAPACITY.md">CAPACITY.md</a> has each formula. Above 75 % a bar turns, above 90 % again.`)
	end := w.table("Machines, by group of equal files", len(p.Capacity.Nodes), heading("group"), figure("machines"), figure("pods each"), figure("proxies: CPU requests"), figure("proxies: memory limits"), figure("connection table"))
	tables := map[string]*ir.Conntrack{}
	for i := range p.Groups {
		tables[p.Groups[i].Name] = &p.Groups[i].Conntrack
	}
	for i := range p.Capacity.Nodes {
		n := &p.Capacity.Nodes[i]
		connections := plain("")
		if c := tables[n.Group]; c != nil && c.Max > 0 {
			connections = share(100 * c.Entries / c.Max)
		}
		w.row(named(n.Group), right(n.Nodes), right(n.Pods), share(n.RequestPercent), share(n.LimitPercent), connections)
	}
	end()
	if len(p.Capacity.Pools) > 0 {
		end := w.table("Virtual addresses, by pool", len(p.Capacity.Pools), heading("pool"), figure("used"), figure("addresses"), figure("share"))
		for _, u := range p.Capacity.Pools {
			if u.Total < 0 {
				w.row(named(u.Pool), right(u.Used), words("more than 16 million"), share(0))
				continue
			}
			w.row(named(u.Pool), right(u.Used), right(u.Total), share(100*u.Used/max(u.Total, 1)))
		}
		end()
	}
	w.end()
}

func share(percent int) cell { return cell{meter(percent) + number(percent) + " %", "n"} }

// changes says in which order, how much at a time and when machines are changed.
func changes(w *writer, p *ir.Plan) {
	w.section("changes", "Changes", "changeBudget", "maintenance", "racks")
	c := &p.Changes
	switch {
	case c.RacksAtOnce == 0:
		w.text(esc("The site declares no changeBudget: a change goes rack by rack, " + count(p.Serial, "machine", "machines") + " at once."))
	default:
		w.text(esc(fmt.Sprintf("A change reaches at most %s and %d %% of the machines before it goes on, %s at once.",
			count(c.RacksAtOnce, "rack", "racks"), c.NodesPercent, count(p.Serial, "machine", "machines"))))
	}
	for _, v := range c.Windows {
		w.From("", v.Origin...)
		w.text("Window: " + esc(strings.Join(v.Days, ", ")+" "+v.From+"–"+v.To+" "+v.TimeZone))
	}
	end := w.table("Waves", len(p.Waves), heading("wave"), heading("racks"), figure("machines"), figure("switches"), figure("in steps"))
	for i := range p.Waves {
		v := &p.Waves[i]
		w.From("", v.From...)
		w.row(plain(number(i+1)), all(v.Racks), right(v.Nodes), right(v.Switches), right(v.Steps))
	}
	end()
	w.end()
}

// findings is what the rules say of the site.
func findings(w *writer, p *ir.Plan) {
	w.section("findings", "Findings")
	if len(p.Findings) == 0 {
		w.text("No rule has anything to say about the site.")
		w.end()
		return
	}
	end := w.table("What the rules say of the site", len(p.Findings), heading("severity"), heading("rule"), heading("at"), heading("finding"))
	for _, f := range p.Findings {
		text := esc(f.Message)
		if f.Hint != "" {
			text += ": " + esc(f.Hint)
		}
		w.row(words(f.Severity), named(f.Rule), named(f.At), shade("long", text))
	}
	end()
	w.end()
}

// waivers is what the site accepts for a while. Which day it is, the page does not know.
func waivers(w *writer, p *ir.Plan) {
	w.section("waivers", "Waivers", "waivers", "racks") // its table is numbered after some that racks decide on
	if len(p.Waivers) == 0 {
		w.text("The site waives no finding.")
		w.end()
		return
	}
	end := w.table("Findings that the site accepts until a day", len(p.Waivers), heading("rule"), heading("at"), heading("reason"), heading("until"))
	for i := range p.Waivers {
		v := &p.Waivers[i]
		w.From("", v.From...)
		w.row(named(v.Rule), named(v.At), shade("long", esc(v.Reason)), words(v.Until))
	}
	end()
	w.end()
}
