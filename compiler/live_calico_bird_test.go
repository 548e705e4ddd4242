package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/artifact"
)

// The node end of a site's sessions, as calico-node makes it of the emitted objects. Read for it, of projectcalico/calico
// v3.31.7: confd/etc/calico/confd/templates/bird.cfg.template, bird_aggr.cfg.template and bird_ipam.cfg.template,
// confd/pkg/resource/template/template_funcs.go (BGPFilter), confd/pkg/backends/calico/client.go (which peers a node has).
// Calico's BIRD is a 1.6 of its own. What is written here is the language of 2.0, where a session's routes are a channel.

// calicoObject is any object that calico-node reads, Nodes included.
type calicoObject struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		// BGPConfiguration
		NodeToNodeMeshEnabled   *bool
		ServiceLoadBalancerIPs  []struct{ CIDR string }
		ASNumber, LocalASNumber uint32
		// BGPPeer
		PeerIP, NodeSelector, MaxRestartTime string
		Filters                              []string
		Password                             *struct{ SecretKeyRef struct{ Name string } }
		// BGPFilter
		ExportV4, ExportV6, ImportV4, ImportV6 []struct {
			Action, MatchOperator, CIDR string
			PrefixLength                *struct{ Min, Max *int }
		}
	}
}

// calicoNode is what calico-node of one node knows.
type calicoNode struct {
	t        *testing.T
	objects  []*calicoObject
	labels   map[string]string
	address  netip.Addr
	password string
}

func newCalicoNode(t *testing.T, tree *artifact.Tree, node, address, password string) *calicoNode {
	t.Helper()
	c := &calicoNode{t: t, address: netip.MustParseAddr(address), password: password}
	for _, f := range tree.Files() {
		if !strings.Contains(f.Path(), "/10-load-balancer/") && !strings.Contains(f.Path(), "/00-nodes/node.yaml") {
			continue
		}
		for _, doc := range strings.Split(string(f.Bytes()), "\n---\n") {
			o := &calicoObject{}
			if !strings.Contains(doc, "projectcalico.org/v3") && !strings.Contains(doc, "kind: Node\n") {
				continue
			}
			if err := yaml.Unmarshal([]byte(doc), o); err != nil {
				t.Fatalf("%s: %v", f.Path(), err)
			}
			c.objects = append(c.objects, o)
			if o.Kind == "Node" && o.Metadata.Name == node {
				c.labels = o.Metadata.Labels
			}
		}
	}
	if c.labels == nil {
		t.Fatalf("the tree has no node %s", node)
	}
	return c
}

func (c *calicoNode) each(kind string, f func(*calicoObject)) {
	for _, o := range c.objects {
		if o.Kind == kind {
			f(o)
		}
	}
}

// config is BIRD's configuration on the node, for the family of its address. The node has the blocks of pods; filtered is
// false for a node on which no BGPFilter holds.
func (c *calicoNode) config(blocks []string, filtered bool) string {
	family, channel := "V4", "ipv4"
	if c.address.Is6() {
		family, channel = "V6", "ipv6"
	}
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("log stderr all;\nrouter id 10.255.0.%d;", c.address.AsSlice()[len(c.address.AsSlice())-1])
	w("protocol device { scan time 2; }")
	w("protocol direct { %s; interface -\"cali*\", \"*\"; }", channel)
	w("protocol kernel { learn; persist; scan time 2; graceful restart; merge paths on; %s { import all; export all; }; }", channel)
	w("protocol static {\n  %s;", channel)
	for _, block := range blocks {
		w("  route %s blackhole;", block)
	}
	w("}\nfunction calico_aggr() {")
	for _, block := range blocks {
		w("  if ( net = %s ) then { accept; }\n  if ( net ~ %s ) then { reject; }", block, block)
	}
	// The pools of the cluster: what the filter keeps to, and another without one.
	w("}\nfunction calico_export_to_bgp_peers() {\n  calico_aggr();")
	c.each("BGPFilter", func(o *calicoObject) {
		for _, r := range slices.Concat(o.Spec.ExportV4, o.Spec.ExportV6) {
			if r.MatchOperator == "NotIn" && (strings.Contains(r.CIDR, ":") == c.address.Is6()) {
				w("  if ( net ~ %s ) then { accept; }", r.CIDR)
			}
		}
	})
	w("  if ( net ~ %s ) then { accept; }\n}", map[bool]string{false: "198.51.100.0/24", true: "2001:db8:99::/48"}[c.address.Is6()])
	asn := uint32(0)
	c.each("BGPConfiguration", func(o *calicoObject) {
		asn = o.Spec.ASNumber
		if o.Metadata.Name != "default" || o.Spec.NodeToNodeMeshEnabled == nil || *o.Spec.NodeToNodeMeshEnabled {
			c.t.Errorf("BGPConfiguration %s leaves sessions among nodes", o.Metadata.Name)
		}
	})
	c.each("BGPFilter", func(o *calicoObject) {
		exported, imported := o.Spec.ExportV4, o.Spec.ImportV4
		if family == "V6" {
			exported, imported = o.Spec.ExportV6, o.Spec.ImportV6
		}
		for direction, rules := range map[string][]struct {
			Action, MatchOperator, CIDR string
			PrefixLength                *struct{ Min, Max *int }
		}{"export": exported, "import": imported} {
			w("function '%s_%s'() {", o.Metadata.Name, direction)
			for _, r := range rules {
				action := strings.ToLower(r.Action) + ";"
				if r.CIDR == "" {
					w("  %s", action)
					continue
				}
				net := r.CIDR
				if l := r.PrefixLength; l != nil {
					p := netip.MustParsePrefix(r.CIDR)
					least, most := p.Bits(), p.Addr().BitLen()
					if l.Min != nil {
						least = max(least, *l.Min)
					}
					if l.Max != nil {
						most = min(most, *l.Max)
					}
					net = fmt.Sprintf("[ %s{%d,%d} ]", r.CIDR, least, most)
				}
				w("  if ((net %s %s)) then { %s }", map[string]string{"In": "~", "NotIn": "!~", "Equal": "=", "NotEqual": "!="}[r.MatchOperator], net, action)
			}
			w("}")
		}
	})
	peers := 0
	c.each("BGPPeer", func(o *calicoObject) {
		p := &o.Spec
		key, value, _ := strings.Cut(p.NodeSelector, " == ")
		if c.labels[key] != strings.Trim(value, "'") || netip.MustParseAddr(p.PeerIP).Is6() != c.address.Is6() {
			return
		}
		peers++
		local := asn
		if p.LocalASNumber != 0 {
			local = p.LocalASNumber
		}
		w("protocol bgp peer%d {\n  local as %d;\n  graceful restart;\n  connect delay time 2;\n  connect retry time 5;\n  error wait time 5,30;", peers, local)
		w("  ttl security off;\n  multihop;\n  neighbor %s as %d;\n  source address %s;", p.PeerIP, p.ASNumber, c.address)
		if p.MaxRestartTime != "" {
			w("  graceful restart time %s;", strings.TrimSuffix(p.MaxRestartTime, "s"))
		}
		if p.Password != nil {
			w("  password %q;", c.password)
		}
		w("  %s {\n    gateway recursive;\n    add paths on;", channel)
		w("    import filter {")
		for _, f := range p.Filters {
			if filtered {
				w("      '%s_import'();", f)
			}
		}
		w("      accept;\n    };\n    export filter {")
		for _, f := range p.Filters {
			if filtered {
				w("      '%s_export'();", f)
			}
		}
		w("      calico_export_to_bgp_peers();\n      reject;\n    };\n  };\n}")
	})
	if peers == 0 {
		c.t.Fatalf("no peer is for node %s", c.address)
	}
	return b.String()
}
