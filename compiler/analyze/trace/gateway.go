package trace

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/ir"
)

// pool asks whether the load balancer has an address to give. kube-vip has no pools: it takes what a Service asks for.
func (t *Tracer) pool(vip netip.Addr, pool *ir.Pool) []Hop {
	if t.plan.KubeVIP != nil || pool.Protocol == "" {
		return nil
	}
	h := Hop{Stage: Pool, At: pool.Name, From: pool.From, Why: "no object of the load balancer has the address " + vip.String()}
	tells := Hop{Stage: Pool, At: pool.Name, From: pool.From}
	advertised, kinds := false, 0
	for _, o := range t.objects(balancerPhase) {
		if strings.HasSuffix(o.kind, "Advertisement") && below(o.node, "spec", "ipAddressPools") != nil {
			kinds++
			for _, x := range below(o.node, "spec", "ipAddressPools").Content {
				if x.Value == pool.Name {
					advertised = true
					tells = Hop{Stage: Pool, At: pool.Name, Pass: true, File: o.file, Line: x.Line, Why: o.kind + " " + o.name + " announces it"}
				}
			}
			continue
		}
		walk(o.node, func(n *yaml.Node) bool {
			if h.Pass || n.Kind != yaml.ScalarNode || !holds(n.Value, vip) {
				return false
			}
			h.Pass, h.File, h.Line, h.Why = true, o.file, n.Line, o.kind+" "+o.name+" has "+vip.String()
			return true
		})
		start, stop := below(o.node, "spec", "blocks"), (*yaml.Node)(nil)
		for i := 0; start != nil && i < len(start.Content) && !h.Pass; i++ {
			b := start.Content[i]
			if stop = below(b, "stop"); stop != nil && holds(text(b, "start")+"-"+stop.Value, vip) {
				h.Pass, h.File, h.Line, h.Why = true, o.file, b.Line, o.kind+" "+o.name+" has "+vip.String()
			}
		}
	}
	hops := []Hop{t.at(h)}
	switch {
	case advertised:
		hops = append(hops, t.at(tells))
	case kinds > 0:
		tells.Why = "no advertisement names the pool"
		hops = append(hops, tells)
	}
	return hops
}

// holds reports whether a prefix, a range "first-last", an address, or a list of them has an address.
func holds(s string, a netip.Addr) bool {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err1 := netip.ParseAddr(strings.TrimSpace(first))
		if to, err2 := netip.ParseAddr(strings.TrimSpace(last)); isRange && err1 == nil && err2 == nil && from.Compare(a) <= 0 && a.Compare(to) <= 0 {
			return true
		}
		if p, err := netip.ParsePrefix(strings.TrimSpace(part)); err == nil && p.Contains(a) {
			return true
		}
		if !isRange && err1 == nil && from == a {
			return true
		}
	}
	return false
}

// address asks which Service takes a virtual address: its line, as the chart or the objects of the gateway have it.
func (t *Tracer) address(vip netip.Addr, g *ir.Gateway) Hop {
	h := Hop{Stage: Address, At: g.Namespace + "/" + g.ServiceName(), From: g.From, Why: "no Service asks for " + vip.String()}
	word := regexp.MustCompile(`(^|[^0-9a-f.:])` + regexp.QuoteMeta(vip.String()) + `($|[^0-9a-f.:])`)
	for _, name := range t.gatewayFiles(g) {
		for i, l := range t.lines(name) {
			if word.MatchString(l) && !strings.HasPrefix(strings.TrimSpace(l), "#") {
				h.Pass, h.File, h.Line, h.Why = true, name, i+1, "the Service asks for "+vip.String()
				return t.at(h)
			}
		}
	}
	return h
}

// gatewayFiles are the files that say what a gateway is like.
func (t *Tracer) gatewayFiles(g *ir.Gateway) []string {
	out := []string{"charts/" + t.plan.Name + "/" + g.Release + "/values.yaml"}
	for _, f := range t.tree.Files() {
		if path.Dir(f.Path()) == "kubernetes/overlays/"+t.plan.Name+"/"+gatewayPhase {
			out = append(out, f.Path())
		}
	}
	return out
}

// classKey is the label by which pods ask for a class of nodes.
const classKey = "meshgen.dev/class"

var classWord = regexp.MustCompile(regexp.QuoteMeta(classKey) + `("|:|$)`)

// placement asks where the pods of a gateway may run: on the class of nodes that announces. Cilium's own have none.
func (t *Tracer) placement(g *ir.Gateway) (h Hop, ok bool) {
	h = Hop{Stage: Placement, At: g.Namespace + "/" + g.Release, From: g.From, Why: "nothing asks for nodes of class " + g.Class}
	if t.plan.Mesh.Kind == "cilium" && g.Program.Kind == "" {
		return h, false
	}
	for _, name := range t.gatewayFiles(g) {
		mine := strings.HasPrefix(name, "charts/")
		lines := t.lines(name)
		for i, l := range lines {
			if !classWord.MatchString(l) || !mine && !t.about(lines, i, g) {
				continue
			}
			near := strings.Join(lines[i:min(i+4, len(lines))], "\n")
			h.File, h.Line = name, i+1
			h.Pass = regexp.MustCompile(`(^|[\s"])` + regexp.QuoteMeta(g.Class) + `($|[\s"])`).MatchString(near)
			h.Why = fmt.Sprintf("%d pods, on nodes of class %s in racks %s", g.Replicas, g.Class, strings.Join(g.Racks, ", "))
			if !h.Pass {
				h.Why = "its pods do not run on nodes of class " + g.Class + ", which announce its address"
			}
			return t.at(h), true
		}
	}
	return h, true
}

// about reports whether the document around a line is one of a gateway.
func (t *Tracer) about(lines []string, i int, g *ir.Gateway) bool {
	first, last := i, i
	for first > 0 && lines[first] != "---" {
		first--
	}
	for last < len(lines) && (last == i || lines[last] != "---") {
		last++
	}
	doc := strings.Join(lines[first:last], "\n") + "\n"
	return strings.Contains(doc, "namespace: "+g.Namespace+"\n") || strings.Contains(doc, "name: "+g.Name+"\n") || strings.Contains(doc, "-"+g.Name+"\n")
}
