package trace

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// fabric follows a virtual address from the spines to the nodes that announce it: what each switch takes, both ends of
// each session. It is open where one way is whole.
func (t *Tracer) fabric(vip netip.Addr, pool *ir.Pool) (hops []Hop, open bool) {
	if pool.Protocol != "bgp" {
		return t.near(vip, pool)
	}
	family := ir.FamilyOf(vip)
	var ways []Hop // below the spines
	whole := map[string]bool{}
	for i := range t.plan.LoadBalancer.Peerings {
		p := &t.plan.LoadBalancer.Peerings[i]
		if !slices.Contains(p.Pools, pool.Name) || p.SwitchAddress.IsValid() && ir.FamilyOf(p.SwitchAddress) != family && !t.carries(p, family) {
			continue
		}
		pass := true
		if sw := t.toR(p.Switch); sw != nil {
			f := t.filter(Filter, sw, sw.FromMap(ir.Nodes, family), "in", vip, "nodes")
			ways, pass = append(ways, f), f.Pass
		}
		for _, sp := range p.Speakers {
			if !sp.VIPs || !slices.Contains(pool.Announcers, sp.Node) {
				continue
			}
			some := t.speaks(p, sp)
			for _, h := range some {
				if h.Stage != Node || !slices.ContainsFunc(ways, func(o Hop) bool { return o.Stage == Node && o.At == h.At }) {
					ways = append(ways, h) // a node once, whatever the number of its sessions
				}
			}
			ok := !slices.ContainsFunc(some, func(h Hop) bool { return !h.Pass })
			whole[p.Switch] = whole[p.Switch] || pass && ok
		}
	}
	spines := 0
	for i := range t.plan.Switches {
		sw := &t.plan.Switches[i]
		if sw.Role != "tor" {
			continue
		}
		if _, announces := whole[sw.Hostname]; !announces || len(sw.Uplinks) == 0 {
			continue
		}
		up := t.filter(Uplink, sw, sw.ToMap(ir.Spines, family), "out", vip, "the spines")
		hops = append(hops, up)
		through := false
		for k := range t.plan.Switches {
			spine := &t.plan.Switches[k]
			if spine.Role != "spine" || !slices.ContainsFunc(sw.Uplinks, func(u ir.Uplink) bool { return u.Spine == spine.Hostname }) {
				continue
			}
			spines++
			h := t.filter(Spine, spine, spine.FromMap(ir.ToRs, family), "in", vip, "its ToRs")
			if !slices.ContainsFunc(hops, func(o Hop) bool { return o.Stage == Spine && o.At == h.At }) {
				hops = append(hops, h)
			}
			through = through || h.Pass
		}
		open = open || whole[sw.Hostname] && up.Pass && through
	}
	if spines == 0 { // nobody above the ToRs is described
		for _, ok := range whole {
			open = open || ok
		}
	}
	slices.SortStableFunc(hops, func(a, b Hop) int { return order(a.Stage) - order(b.Stage) })
	return append(hops, ways...), open
}

// order is that of a packet: spines first.
func order(stage string) int { return slices.Index([]string{Spine, Uplink}, stage) }

// carries reports whether a session of one family carries routes of another: sessions of an unnumbered link do.
func (t *Tracer) carries(p *ir.Peering, f ir.Family) bool {
	return !slices.ContainsFunc(t.plan.LoadBalancer.Peerings, func(o ir.Peering) bool {
		return o.Switch == p.Switch && o.SwitchAddress.IsValid() && ir.FamilyOf(o.SwitchAddress) == f
	})
}

func (t *Tracer) toR(hostname string) *ir.Switch {
	for i := range t.plan.Switches {
		if t.plan.Switches[i].Hostname == hostname {
			return &t.plan.Switches[i]
		}
	}
	return nil
}

// switchFile is the path of a switch's file in the tree, "" where it has none.
func (t *Tracer) switchFile(hostname string) string {
	if t.switches == nil {
		t.switches = map[string]string{}
		for _, f := range t.tree.Files() {
			rest, ok := strings.CutPrefix(f.Path(), "fabric/"+t.plan.Name+"/")
			if ext := path.Ext(rest); ok && !slices.Contains([]string{".json", ".nft"}, ext) {
				t.switches[strings.TrimSuffix(rest, ext)] = f.Path()
			}
		}
	}
	return t.switches[hostname]
}

// filter asks a route map of a switch, which has to be applied to somebody, about the route to an address.
func (t *Tracer) filter(stage string, sw *ir.Switch, name, direction string, vip netip.Addr, whom string) Hop {
	h := Hop{Stage: stage, At: sw.Hostname, File: t.switchFile(sw.Hostname), From: sw.From}
	lines := t.lines(h.File)
	f, ok := t.rules[h.File]
	if !ok {
		f = readFilters(lines)
		t.rules[h.File] = f
	}
	route := netip.PrefixFrom(vip, vip.BitLen()).String()
	verb := map[string]string{"in": "takes %s of %s", "out": "tells %s to %s"}[direction]
	if len(f.maps[name]) == 0 {
		h.Why = fmt.Sprintf("no route map %s", name)
		return h
	}
	applied := slices.IndexFunc(lines, func(l string) bool {
		l = strings.TrimSpace(l)
		return !strings.HasPrefix(l, "!") && (l == "route-map "+name+" "+direction || strings.HasSuffix(l, " route-map "+name+" "+direction))
	})
	var why string
	h.Pass, h.Line, why = f.decide(name, vip)
	h.Why = fmt.Sprintf(verb, route, whom) + ": " + why
	switch {
	case h.Pass && applied < 0:
		h.Pass, h.Line, h.Why = false, f.maps[name][0].line, "route map "+name+" is applied to nobody"
	case !h.Pass:
		h.Why = "not so: " + h.Why
	}
	return t.at(h)
}

// speaks asks the node that announces, and both ends of its session with a switch.
func (t *Tracer) speaks(p *ir.Peering, sp ir.Speaker) []Hop {
	node := t.node(sp.Node)
	if !node.Pass { // without its labels nothing on it opens a session
		return []Hop{node}
	}
	var hops []Hop
	if sw := t.toR(p.Switch); sw != nil {
		hops = append(hops, t.switchEnd(sw, p, sp))
	}
	return append(hops, t.nodeEnd(p, sp), node)
}

var (
	groupLine = regexp.MustCompile(`^(?:neighbor (\S+) )?(?:interface )?(?:peer-group|peer group|inherit peer) (\S+)$`)
	asLine    = regexp.MustCompile(`^(?:neighbor (?:interface )?(\S+) (?:peer-group \S+ )?)?remote-as (\S+)$`)
	blockLine = regexp.MustCompile(`^(?:neighbor|template peer) (\S+)$`)
	rangeLine = regexp.MustCompile(`^(?:neighbor |bgp )?listen range (\S+) peer-group (\S+)`)
	ownASLine = regexp.MustCompile(`^router bgp (\d+)`)
)

// switchEnd is the session as the switch's file has it: a neighbor with the node's address, or a range that it is in,
// and the number of the node's autonomous system, its own or that of its group.
func (t *Tracer) switchEnd(sw *ir.Switch, p *ir.Peering, sp ir.Speaker) Hop {
	h := Hop{Stage: Session, At: p.Switch + " to " + sp.Node, File: t.switchFile(sw.Hostname), From: p.From}
	type number struct {
		text string
		line int
	}
	systems, block := map[string]number{}, ""
	group, own := "", number{}
	for i, raw := range t.lines(h.File) {
		text := strings.TrimSpace(raw)
		if m := blockLine.FindStringSubmatch(text); m != nil {
			block = m[1]
		}
		if m := ownASLine.FindStringSubmatch(text); m != nil && own.line == 0 {
			own = number{m[1], i + 1}
		}
		if m := groupLine.FindStringSubmatch(text); m != nil {
			name := m[1]
			if name == "" {
				name = block
			}
			if named(name, sp) {
				group, h.Line = m[2], i+1
			}
		}
		if m := rangeLine.FindStringSubmatch(text); m != nil && h.Line == 0 {
			if r, err := netip.ParsePrefix(m[1]); err == nil && r.Contains(sp.Address) {
				group, h.Line = m[2], i+1
			}
		}
		if m := asLine.FindStringSubmatch(text); m != nil {
			name := m[1]
			if name == "" {
				name = block
			}
			systems[name] = number{m[2], i + 1}
			if named(name, sp) && h.Line == 0 {
				h.Line = i + 1
			}
		}
	}
	system, ok := systems[sp.Address.String()]
	if !ok {
		system = systems[group]
	}
	want := strconv.FormatUint(uint64(p.NodeASN), 10)
	switch {
	case h.Line == 0:
		h.Why = fmt.Sprintf("no neighbor has the address %s of the node", sp.Address)
	case own.text != strconv.FormatUint(uint64(p.SwitchASN), 10):
		h.Line, h.Why = own.line, fmt.Sprintf("the switch is in AS %s, the node opens the session with AS %d", own.text, p.SwitchASN)
	case system.text != want && system.text != "external":
		h.Line, h.Why = system.line, fmt.Sprintf("expects AS %s, and the node is in AS %s", system.text, want)
	default:
		h.Pass, h.Why = true, fmt.Sprintf("expects AS %s at %s", want, sp.Address)
	}
	return t.at(h)
}

// named reports whether a neighbor is a speaker.
func named(name string, sp ir.Speaker) bool { return name != "" && name == sp.Address.String() }
