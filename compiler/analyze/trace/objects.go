package trace

import (
	"bytes"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/ir"
)

// object is a YAML document of the tree.
type object struct {
	file string
	kind string
	name string
	node *yaml.Node
}

// objects returns the documents of a phase of the site's overlay; a file that is no YAML has none.
func (t *Tracer) objects(phase string) []object {
	if got, ok := t.phases[phase]; ok {
		return got
	}
	var out []object
	dir := "kubernetes/overlays/" + t.plan.Name + "/" + phase
	for _, f := range t.tree.Files() {
		if path.Dir(f.Path()) != dir || path.Base(f.Path()) == "kustomization.yaml" {
			continue
		}
		for dec := yaml.NewDecoder(bytes.NewReader(f.Bytes())); ; {
			var doc yaml.Node
			if dec.Decode(&doc) != nil {
				break
			}
			root := doc.Content[0]
			out = append(out, object{f.Path(), text(root, "kind"), text(root, "metadata", "name"), root})
		}
	}
	t.phases[phase] = out
	return out
}

// below returns what a path of keys leads to, or nil.
func below(n *yaml.Node, keys ...string) *yaml.Node {
	for _, k := range keys {
		var next *yaml.Node
		for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == k {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

func text(n *yaml.Node, keys ...string) string {
	if n = below(n, keys...); n == nil {
		return ""
	}
	return n.Value
}

// walk calls f for every node of a document until one returns true.
func walk(n *yaml.Node, f func(*yaml.Node) bool) bool {
	if n == nil {
		return false
	}
	return f(n) || slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return walk(c, f) })
}

const (
	nodesPhase    = "00-nodes"
	balancerPhase = "10-load-balancer"
	gatewayPhase  = "30-gateways"
)

// node asks for the labels by which a machine is one that announces.
func (t *Tracer) node(name string) Hop {
	h := Hop{Stage: Node, At: name}
	var plan *ir.Node
	for i := range t.plan.Nodes {
		if t.plan.Nodes[i].Name == name {
			plan = &t.plan.Nodes[i]
			h.From = plan.From
		}
	}
	o, ok := t.machine(name)
	labels := below(o.node, "metadata", "labels")
	if !ok || labels == nil || plan == nil {
		h.Why = "the tree has no such Node with labels"
		return h
	}
	h.File, h.Line, h.Pass = o.file, labels.Line, true
	var has []string
	for i := 0; i+1 < len(labels.Content); i += 2 {
		key, value := labels.Content[i], labels.Content[i+1]
		k := slices.IndexFunc(plan.Labels, func(kv ir.KV) bool { return kv.Key == key.Value })
		switch {
		case k < 0:
		case plan.Labels[k].Value != value.Value:
			h.Line, h.Pass, h.Why = value.Line, false, fmt.Sprintf("the label is %s, and what selects it asks for %s", value.Value, plan.Labels[k].Value)
			return t.at(h)
		default:
			has = append(has, key.Value+"="+value.Value)
		}
	}
	h.Why = "has the labels that it is selected by: " + strings.Join(has, ", ")
	return t.at(h)
}

// machine returns the Node of a name.
func (t *Tracer) machine(name string) (object, bool) {
	if t.machines == nil {
		t.machines = map[string]object{}
		for _, o := range t.objects(nodesPhase) {
			if o.kind == "Node" {
				t.machines[o.name] = o
			}
		}
	}
	o, ok := t.machines[name]
	return o, ok
}

// labels returns those of a Node of the tree.
func (t *Tracer) labels(node string) map[string]string {
	out := map[string]string{}
	o, _ := t.machine(node)
	if l := below(o.node, "metadata", "labels"); l != nil {
		for i := 0; i+1 < len(l.Content); i += 2 {
			out[l.Content[i].Value] = l.Content[i+1].Value
		}
	}
	return out
}

// nodeEnd is the session as the objects of the load balancer have it: one that selects the node, with the switch's
// address and the number of its autonomous system.
func (t *Tracer) nodeEnd(p *ir.Peering, sp ir.Speaker) Hop {
	h := Hop{Stage: Session, At: sp.Node + " to " + p.Switch, From: p.From}
	labels := t.labels(sp.Node)
	want := strconv.FormatUint(uint64(p.SwitchASN), 10)
	address := p.SwitchAddress.String()
	h.Why = "no object of the load balancer has the address " + address + " of the switch and selects the node"
	for _, o := range t.objects(balancerPhase) {
		if !selects(o.node, labels) {
			continue
		}
		walk(o.node, func(n *yaml.Node) bool {
			for _, peer := range strings.Split(n.Value, ",") { // kube-vip: address:AS:password:multihop,…
				rest, ok := strings.CutPrefix(peer, address+":")
				if !ok || n.Kind != yaml.ScalarNode {
					continue
				}
				number, _, _ := strings.Cut(rest, ":")
				h.File, h.Line, h.Pass = o.file, n.Line, number == want
				h.Why = fmt.Sprintf("%s %s opens it with AS %s at %s", o.kind, o.name, number, address)
				return true
			}
			at, number := below(n, "peerAddress"), below(n, "peerASN")
			if at == nil {
				at, number = below(n, "neighborAddress"), below(n, "peerAs")
			}
			if at == nil || at.Value != address || number == nil {
				return false
			}
			h.File, h.Line, h.Pass = o.file, at.Line, number.Value == want
			h.Why = fmt.Sprintf("%s %s opens it with AS %s at %s", o.kind, o.name, number.Value, address)
			if !h.Pass {
				h.Line, h.Why = number.Line, h.Why+", and the switch is in AS "+want
			}
			return true
		})
		if h.File != "" {
			break
		}
	}
	return t.at(h)
}

// selects reports whether the node selectors of an object take a node with these labels; one without selects all.
func selects(o *yaml.Node, labels map[string]string) bool {
	spec := below(o, "spec")
	list := []*yaml.Node{below(spec, "nodeSelector")}
	if many := below(spec, "nodeSelectors"); many != nil {
		list = many.Content
	}
	if list[0] == nil || below(list[0], "matchExpressions") == nil && below(list[0], "matchLabels") == nil {
		return true
	}
	return slices.ContainsFunc(list, func(s *yaml.Node) bool {
		if m := below(s, "matchLabels"); m != nil {
			for i := 0; i+1 < len(m.Content); i += 2 {
				if labels[m.Content[i].Value] != m.Content[i+1].Value {
					return false
				}
			}
		}
		if m := below(s, "matchExpressions"); m != nil {
			for _, e := range m.Content {
				values := below(e, "values")
				value, has := labels[text(e, "key")]
				in := values == nil && has || values != nil && slices.ContainsFunc(values.Content, func(v *yaml.Node) bool { return v.Value == value })
				if in == strings.HasPrefix(text(e, "operator"), "NotIn") {
					return false
				}
			}
		}
		return true
	})
}

// near follows an address that nodes answer for on their own network, or that somebody else leads to them: no switch
// decides anything.
func (t *Tracer) near(vip netip.Addr, pool *ir.Pool) (hops []Hop, open bool) {
	if pool.Protocol == "" {
		return nil, true
	}
	for _, n := range pool.Announcers {
		h := t.node(n)
		hops, open = append(hops, h), open || h.Pass
	}
	return hops, open
}
