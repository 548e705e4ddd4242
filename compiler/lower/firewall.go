package lower

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/ir"
)

// firewalls decides what edge nodes let in: exactly the flows that lead to them, and nothing that is said here again.
// Edge nodes are those of the classes that gateways run on.
func (l *lowering) firewalls() {
	if !l.s.Fabric.HostFirewall {
		return
	}
	for i := range l.p.Groups {
		g := &l.p.Groups[i]
		if !slices.ContainsFunc(l.p.Gateways, func(gw ir.Gateway) bool { return gw.Class == g.Class }) {
			continue
		}
		fw := ir.HostFirewall{From: append(ir.From{"fabric", "gateways", "namespaces", "racks", "nodeClasses", "delivery.hosts", "kubernetes", "loadBalancer", "pools",
			"observability", "mesh", "name"}, g.From...)}
		for _, f := range l.p.Flows {
			if slices.ContainsFunc(f.To.Nodes, func(n string) bool { return slices.Contains(g.Nodes, n) }) {
				fw.Rules = append(fw.Rules, l.firewallRules(&f)...)
			}
		}
		if h := l.set.CNI(l.s.Kubernetes.CNI.Kind).HostFilter; h != nil && h.Mark != nil {
			fw.Proxy = &ir.PacketMark{Value: h.Mark.Value, Mask: h.Mark.Mask}
		}
		if !l.p.Cluster.KubeProxy.Managed {
			fw.Earlier = l.s.Kubernetes.CNI.Kind
		}
		if g.Talos != nil {
			g.Talos.Firewall = talosFirewall(&fw)
			continue
		}
		g.Firewall = &fw
		if l.set.OS(g.OS).Packaging != "none" {
			g.Packages = append(g.Packages, filterPackage)
		}
	}
}

// filterPackage brings the program that loads the filter: its name in Debian and in RHEL. A system without packages has
// it in its image.
const filterPackage = "nftables"

// firewallRules is a flow as one rule a family. Pods come with their own address from the same machine, and with that of
// theirs from another one.
func (l *lowering) firewallRules(f *ir.Flow) []ir.FirewallRule {
	if f.Protocol == icmp || f.Protocol == icmpv6 {
		return nil // every filter takes what is needed of them, from everybody
	}
	var out []ir.FirewallRule
	for _, v6 := range []bool{false, true} {
		var b netipx.IPSetBuilder
		sources := f.From.Addresses
		if f.Area == ir.PodArea && slices.ContainsFunc(sources, func(p netip.Prefix) bool { return p.Addr().Is6() == v6 }) {
			sources = slices.Concat(sources, l.allNodes().Addresses) // pods without an address of this family call by the other one
		}
		for _, p := range sources {
			if p.Addr().Is6() == v6 {
				b.AddPrefix(p)
			}
		}
		set, _ := b.IPSet()
		r := ir.FirewallRule{Protocol: f.Protocol, Port: f.Port, IPv6: v6, Sources: set.Prefixes(), OneHop: f.Port == bfdPort && f.Area == ir.FabricArea,
			Why: f.From.Name + ": " + f.Why, From: f.Reads}
		// A flow of the other family alone has no addresses of this one, and no machine to come to.
		if len(r.Sources) > 0 && slices.ContainsFunc(f.To.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() == v6 }) {
			out = append(out, r)
		}
	}
	return out
}

// talosPort is that of Talos' own interface, by which alone its machines are managed. Who calls is known by certificate.
const talosPort = 50000

// talosFirewall makes of a filter's rules one for each port, as Talos has them: it knows neither a TTL nor other protocols.
// Its own interface stays open to everybody, because the site does not say where its people are.
func talosFirewall(fw *ir.HostFirewall) *ir.TalosFirewall {
	byName := map[string]*ir.TalosRule{}
	add := func(protocol string, port uint16, sources []netip.Prefix, why string, from ir.From) {
		name := fmt.Sprintf("%s-%05d", protocol, port) // padded: the order of names is that of ports
		r := byName[name]
		if r == nil {
			r = &ir.TalosRule{Name: fmt.Sprintf("%s-%d", protocol, port), Protocol: protocol, Port: port}
			byName[name] = r
		}
		if !slices.Contains(r.Why, why) {
			r.Why = append(r.Why, why)
		}
		r.Sources, r.From = append(r.Sources, sources...), union(r.From, from)
	}
	for _, r := range fw.Rules {
		add(r.Protocol, r.Port, r.Sources, r.Why, r.From)
	}
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	add("tcp", talosPort, everybody, "everybody: talosctl", fw.From)
	out := &ir.TalosFirewall{Unmarked: fw.Proxy != nil, Earlier: fw.Earlier, From: fw.From}
	for _, r := range byKey(byName) {
		var b netipx.IPSetBuilder
		for _, p := range r.Sources {
			b.AddPrefix(p)
		}
		set, _ := b.IPSet()
		r.Sources = set.Prefixes()
		out.Rules = append(out.Rules, *r)
	}
	return out
}
