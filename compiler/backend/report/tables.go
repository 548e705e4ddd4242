package report

import (
	"fmt"
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// addresses is a row for each virtual address.
func addresses(w *writer, p *ir.Plan) {
	w.section("addresses", "Addresses", append([]string{"namespaces", "owner"}, shape...)...)
	rows := 0
	for i := range p.Pools {
		rows += len(p.Pools[i].VIPs)
	}
	if rows == 0 {
		w.text("The site declares no virtual address.")
		w.end()
		return
	}
	end := w.table("Virtual addresses", rows, heading("address"), heading("gateway or exposure"), heading("owner"), heading("pool"), heading("ports"), heading("host names"), heading("announced by"))
	for i := range p.Pools {
		pool := &p.Pools[i]
		by := all(pool.Racks)
		switch {
		case pool.Protocol == "":
			by = words("routed by others")
		case pool.Protocol == "l2":
			by.text += " at layer 2"
		}
		for _, v := range pool.VIPs {
			w.From("", append(v.From[:len(v.From):len(v.From)], pool.From...)...)
			owner, ports, hosts := behind(p, v)
			w.row(named(v.Address.String()), named(v.Gateway+v.Exposure), words(owner), named(pool.Name), plain(ports), shade("long", hosts), by)
		}
	}
	end()
	w.end()
}

// behind is what answers at an address.
func behind(p *ir.Plan, v ir.VIP) (owner string, ports, hosts markup) {
	var numbers, names []string
	if g := p.Gateway(v.Gateway); g != nil {
		for i := range g.Listeners {
			l := &g.Listeners[i]
			numbers = append(numbers, fmt.Sprintf("%d %s", l.Port, l.Protocol))
			for _, h := range l.Hosts {
				if h.Host != "" && !contains(names, h.Host) {
					names = append(names, h.Host)
				}
			}
		}
		return g.Owner, esc(strings.Join(numbers, ", ")), codes(names)
	}
	for i := range p.Exposures {
		if x := &p.Exposures[i]; x.Exposure == v.Exposure {
			owner = x.Owner
			for _, port := range x.Ports {
				numbers = append(numbers, fmt.Sprintf("%d %s", port.Port, port.Protocol))
			}
		}
	}
	return owner, esc(strings.Join(numbers, ", ")), ""
}

func contains(in []string, s string) bool {
	for _, x := range in {
		if x == s {
			return true
		}
	}
	return false
}

// sessions is a row for each BGP session, with both of its ends.
func sessions(w *writer, p *ir.Plan) {
	w.section("sessions", "Sessions", shape...)
	withNodes, links, uplinks := 0, 0, 0
	for i := range p.LoadBalancer.Peerings {
		withNodes += len(p.LoadBalancer.Peerings[i].Speakers)
	}
	for i := range p.Switches {
		links += len(p.Switches[i].Links)
		if p.Switches[i].Role == "tor" {
			uplinks += len(p.Switches[i].Uplinks)
		}
	}
	if withNodes+links+uplinks == 0 {
		w.text("Nothing of this site speaks BGP.")
	}
	if withNodes > 0 {
		end := w.table("Machines and switches", withNodes, heading("machine"), heading("address"), heading("AS"), heading("switch"), heading("address"), heading("AS"), heading("hold / keepalive"), heading("BFD"), heading("pools"))
		for i := range p.LoadBalancer.Peerings {
			s := &p.LoadBalancer.Peerings[i]
			for _, sp := range s.Speakers {
				w.From("", append(sp.From[:len(sp.From):len(sp.From)], s.From...)...)
				w.row(named(sp.Node), named(sp.Address.String()), as(s.NodeASN), named(s.Switch), named(s.SwitchAddress.String()), as(s.SwitchASN), timers(s.HoldSecs, s.KeepaliveSecs), bfd(s.BFD), all(s.Pools))
			}
		}
		end()
	}
	if links > 0 {
		end := w.table("Cables to machines on loopback addresses", links, heading("machine"), heading("addresses"), heading("AS"), heading("switch"), heading("AS"), heading("hold / keepalive"))
		for i := range p.Switches {
			for _, k := range p.Switches[i].Links {
				w.From("", k.From...)
				w.row(named(k.Node), all(ir.Addrs(k.Addresses)), as(k.NodeASN), named(p.Switches[i].Hostname), as(p.Switches[i].ASN), timers(k.HoldSecs, k.KeepaliveSecs))
			}
		}
		end()
	}
	if uplinks > 0 {
		end := w.table("Switches and spines", uplinks, heading("switch"), heading("port or address"), heading("AS"), heading("spine"), heading("port or address"), heading("AS"), heading("hold / keepalive"), heading("BFD"))
		for i := range p.Switches {
			if p.Switches[i].Role != "tor" {
				continue
			}
			for _, u := range p.Switches[i].Uplinks {
				w.From("", u.From...)
				w.row(named(u.Switch), port(u.Interface, u.Address), as(u.SwitchASN), named(u.Spine), port(u.SpineInterface, u.SpineAddress), as(u.SpineASN), timers(u.HoldSecs, u.KeepaliveSecs), bfd(u.BFD))
			}
		}
		end()
	}
	w.end()
}

func as(n uint32) cell { return cell{text: number(n)} }

func port(name string, a netip.Addr) cell {
	if a.IsValid() {
		return named(a.String())
	}
	return named(name)
}

func timers(hold, keepalive int) cell { return words(fmt.Sprintf("%d s / %d s", hold, keepalive)) }

func bfd(b *ir.BFD) cell {
	if b == nil {
		return words("none")
	}
	return words(fmt.Sprintf("%d ms × %d", b.IntervalMS, b.Multiplier))
}

// machines is a row for each machine.
func machines(w *writer, p *ir.Plan) {
	w.section("machines", "Machines", "racks", "nodeClasses", "fabric", "gateways", "pools", "loadBalancer", "kubernetes", "time")
	end := w.table("Machines by rack", len(p.Nodes), heading("machine"), heading("rack"), heading("failure domain"), heading("class"), heading("addresses"), heading("role"), heading("files"))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		w.From("", n.From...)
		var role []string
		if n.ControlPlane {
			role = append(role, "control plane")
		}
		if n.Speaker {
			role = append(role, "speaks BGP")
		}
		w.row(named(n.Name), named(n.Rack), words(n.Zone), named(n.Class), all(ir.Addrs(n.Addresses)), words(strings.Join(role, ", ")), named(n.Group))
	}
	end()
	w.end()
}
