package lower

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// egressPort is that of egress gateways for connections of the mesh: above those that need a right, below those of the
// proxy itself (15000-15090) and those that it takes for connections of its own (16384-65535).
const egressPort = 8443

// wayOut is a mesh's own egress gateway, as the providers need it that rewrite what its pods send.
type wayOut struct {
	providers []string
	// proxy fills in what the gateway of the mesh is; nil: the mesh decides its ways out with everything else of its own.
	proxy func(l *lowering, x *ir.EgressProxy)
}

// EgressProviders lists the providers of source addresses that rewrite what an egress gateway of the mesh sends; none for a
// mesh that has no such gateway.
func EgressProviders(mesh string) []string {
	if w := meshes[mesh].wayOut; w != nil {
		return w.providers
	}
	return nil
}

// proxied reports whether a provider rewrites what pods of the mesh's own gateway send, and not what services send.
func proxied(provider string) bool { return provider == "host" || provider == "kube-vip" }

// egressProxies makes a gateway of the mesh of each egress gateway whose provider rewrites on the node that pods are on:
// the pods of services are on any node, and those of the gateway are where the addresses are.
func (l *lowering) egressProxies() {
	way := l.meshKind().wayOut
	if way == nil || way.proxy == nil {
		return
	}
	for name, g := range byKey(l.s.EgressGateways) {
		if !proxied(g.Provider) {
			continue
		}
		path := site.Join("egressGateways", name)
		x := ir.EgressProxy{Provider: g.Provider, From: append(under(path, "provider", "addresses", "placement"), "mesh.kind")}
		x.Sources = l.egressSources(name, g)
		x.Pods = l.egressPods(name, g, &x)
		if g.Provider == "kube-vip" {
			l.egressService(name, &x)
		}
		way.proxy(l, &x)
		x.Host = x.Pods.Release + "." + x.Pods.Namespace + ".svc." + l.p.Cluster.Domain
		x.From = append(x.From, "kubernetes.clusterDomain", "external", "namespaces") // which destinations, and for whom
		for i := range l.p.Externals {
			if e := &l.p.Externals[i]; l.s.External[e.Name].Via == name {
				l.egressRoutes(&x, e)
			}
		}
		if len(x.Routes) > 0 {
			if g.Provider == "kube-vip" {
				x.Pods.Annotations = append(x.Pods.Annotations, ir.KV{Key: "kube-vip.io/egress-allowed-networks", Value: strings.Join(ir.Prefixes(x.Destinations(true)), ",")})
			} else {
				var to []rewritten
				for _, r := range x.Routes {
					to = append(to, rewritten{r.Address, r.From})
				}
				l.sourceNAT(name, x.Sources, to, x.From)
			}
			l.p.EgressProxies = append(l.p.EgressProxies, x)
		}
	}
}

// egressSources are the source addresses of an egress gateway, each with the machine that has it.
func (l *lowering) egressSources(name string, g *site.EgressGateway) []ir.EgressSource {
	var out []ir.EgressSource
	holders := l.egressHolders()
	for i, a := range g.Addresses {
		from := site.Join("egressGateways", name, "addresses", site.Index(i))
		if h, ok := holders[addr(a)]; ok && g.Provider == "host" {
			h.From = append(ir.From{from}, h.From...)
			out = append(out, h)
		} else if g.Provider == "kube-vip" {
			out = append(out, ir.EgressSource{Address: addr(a), From: ir.From{from}})
		}
	}
	slices.SortFunc(out, func(a, b ir.EgressSource) int { return a.Address.Compare(b.Address) })
	return out
}

// nodesOf are the machines with source addresses.
func nodesOf(sources []ir.EgressSource) []string {
	var out []string
	for _, s := range sources {
		if !slices.Contains(out, s.Node) {
			out = append(out, s.Node)
		}
	}
	return out
}

// EgressNamespace is the namespace of the pods of an egress gateway, which have its name throughout.
func EgressNamespace(gateway string) string { return "egress-" + gateway }

// egressPods are the pods of an egress gateway: one on each node that has an address.
func (l *lowering) egressPods(name string, g *site.EgressGateway, x *ir.EgressProxy) ir.Gateway {
	path := site.Join("egressGateways", name)
	out := ir.Gateway{
		Name: name, Owner: l.s.Owner, Namespace: EgressNamespace(name), Release: EgressNamespace(name), ServiceAccount: EgressNamespace(name),
		Replicas: len(nodesOf(x.Sources)), Class: g.Placement.Class, SpreadKey: hostLabel,
		Resources: l.gatewayResources(), PodSysctls: l.gatewaySysctls(path, false)[:1], // it binds no low port
		Tolerations: taints(l.s.NodeClasses[g.Placement.Class].Taints),
		From:        append(under(path, "addresses", "placement"), site.Join("nodeClasses", g.Placement.Class, "taints"), "mesh.kind", "racks", "owner"),
	}
	for rn, r := range byKey(l.s.Racks) {
		for _, n := range r.Nodes {
			if n.Class == g.Placement.Class {
				out.Racks = append(out.Racks, rn)
				break
			}
		}
	}
	return out
}

// sidecarWayOut: the pods are a release of the gateway chart, and connections to them have a name each.
func sidecarWayOut(_ *lowering, x *ir.EgressProxy) {
	x.Port = egressPort
	x.Pods.Frontend, x.Pods.Selector = ir.FrontendIstio, []ir.KV{{Key: "istio", Value: x.Pods.Release}}
}

// egressService gives the pods of an egress gateway the Service whose address kube-vip puts in place of theirs. It does so
// for one pod behind a Service, on the node that holds the address: there is one pod, and with externalTrafficPolicy Local
// the node with it stands for election alone. Sources, kube-vip v1.2.3, read 2026-11-21: pkg/services/services.go and
// egress.go (configureEgress), pkg/endpoints/endpoints.go (updateAnnotations), pkg/nftables/nftables.go (a rule a network,
// in a chain of type nat at priority srcnat).
func (l *lowering) egressService(name string, x *ir.EgressProxy) {
	lb := l.set.LoadBalancer("kube-vip")
	g := &x.Pods
	g.Replicas, g.Local, g.LBClass = 1, true, lb.Class
	for _, s := range x.Sources {
		g.VIPs = append(g.VIPs, s.Address)
		for i := range l.p.Pools {
			if p := &l.p.Pools[i]; slices.ContainsFunc(p.Prefixes, func(q netip.Prefix) bool { return q.Contains(s.Address) }) {
				g.Pool = p.Name
				g.Racks = slices.DeleteFunc(g.Racks, func(r string) bool { return !slices.Contains(p.Racks, r) })
				g.From = append(g.From, site.Join("pools", p.Name, "announce"))
			}
		}
	}
	g.From = append(g.From, "loadBalancer.kind")
	g.Annotations = []ir.KV{{Key: lb.AddressAnnotation, Value: joinAddrs(*g)}, {Key: "kube-vip.io/egress", Value: "true"}}
}

// egressRoutes leads a destination through an egress gateway: each of its addresses by itself, so that what was meant for
// one goes there and to no other.
func (l *lowering) egressRoutes(x *ir.EgressProxy, e *ir.External) {
	path := site.Join("external", e.Name)
	gateway := site.Join("egressGateways", x.Pods.Name)
	var users []ir.EgressUser
	for _, u := range e.Users {
		if s := l.find(u.Namespace + "/" + u.Name); s.Workload != ir.Machine && s.Meshed {
			users = append(users, ir.EgressUser{ExternalUser: u, Identity: s.Identity})
		}
	}
	if len(users) == 0 {
		return
	}
	for _, d := range e.Addresses {
		if !slices.ContainsFunc(x.Sources, func(s ir.EgressSource) bool { return s.Address.Is4() == d.Addr().Is4() }) {
			continue
		}
		label := addressLabel(d.Addr())
		r := ir.EgressRoute{External: e.Name, Address: d.Addr(), Users: users,
			Host: label + "." + e.Name + "." + x.Pods.Namespace + ".mesh.internal",
			From: append(under(path, "via", "addresses"), gateway+".provider")}
		for _, u := range users {
			r.From = append(r.From, u.From...)
		}
		for _, p := range e.Ports {
			r.Ports = append(r.Ports, ir.EgressPort{Port: p, Subset: shortLabel(e.Name + "-" + label + "-" + p.Name), SNI: p.Name + "." + r.Host})
			r.From = append(r.From, p.From...)
		}
		x.Routes = append(x.Routes, r)
	}
	e.Via = x.Pods.Name
	for _, s := range x.Sources {
		e.Sources = append(e.Sources, s.Address)
		e.SourcesFrom = append(e.SourcesFrom, s.From...)
	}
	e.SourcesFrom = append(e.SourcesFrom, path+".via")
}

// addressLabel writes an address as one label of a DNS name.
func addressLabel(a netip.Addr) string {
	return strings.NewReplacer(".", "-", ":", "-").Replace(a.StringExpanded())
}

// shortLabel keeps a name within a label of the DNS, as names of subsets and ports are.
func shortLabel(name string) string {
	if len(name) <= 63 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.TrimRight(name[:52], "-") + "-" + hex.EncodeToString(sum[:5])
}

// rewritten is an address outside that packets get a source of their own for.
type rewritten struct {
	address netip.Addr
	from    ir.From
}

// sourceNAT tells the machines with the addresses of a gateway what to do to what its pods send. Which of the cluster's
// pods are on a machine nobody knows beforehand, and no packet of another machine's pod leaves the cluster there.
func (l *lowering) sourceNAT(gateway string, sources []ir.EgressSource, to []rewritten, from ir.From) {
	for i := range l.p.Groups {
		g := &l.p.Groups[i]
		for _, s := range sources {
			if !slices.Contains(g.Nodes, s.Node) {
				continue
			}
			r := ir.SourceRule{Gateway: gateway, Source: s.Address,
				From: slices.Concat(s.From, from, l.p.Cluster.From.Of("podCIDRs"))}
			same := func(a netip.Addr) bool { return a.Is4() == s.Address.Is4() }
			for _, p := range l.p.Cluster.PodCIDRs {
				if same(p.Addr()) {
					r.Pods = append(r.Pods, p)
				}
			}
			for _, d := range to {
				if p := netip.PrefixFrom(d.address, d.address.BitLen()); same(d.address) && !slices.Contains(r.Destinations, p) {
					r.Destinations = append(r.Destinations, p)
					r.From = append(r.From, d.from...)
				}
			}
			if len(r.Pods) == 0 || len(r.Destinations) == 0 {
				continue
			}
			slices.SortFunc(r.Destinations, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
			if g.SourceNAT == nil {
				g.SourceNAT = &ir.SourceNAT{From: append(ir.From{"egressGateways", "external", "namespaces", "racks", "nodeClasses", "delivery.hosts", "kubernetes", "mesh", "name"}, g.From...)}
				if l.set.OS(g.OS).Packaging != "none" && !slices.Contains(g.Packages, filterPackage) {
					g.Packages = append(g.Packages, filterPackage)
				}
			}
			g.SourceNAT.Rules = append(g.SourceNAT.Rules, r)
		}
		if g.SourceNAT != nil {
			slices.SortFunc(g.SourceNAT.Rules, func(a, b ir.SourceRule) int {
				return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), a.Source.Compare(b.Source))
			})
		}
	}
}

// egressProxyFlows: services to the egress gateway's pods. What these send outside stands among the flows of the services
// that declare it.
func (l *lowering) egressProxyFlows() {
	for i := range l.p.EgressProxies {
		x := &l.p.EgressProxies[i]
		for _, r := range x.Routes {
			for _, u := range r.Users {
				l.flow(ir.Flow{Area: ir.PodArea, From: l.pods("service " + u.Namespace + "/" + u.Name), To: l.pods("egress gateway " + x.Pods.Name),
					Protocol: "tcp", Port: x.Port, Why: "egress, by way of the gateway"},
					ir.From{"namespaces", "mesh", "kubernetes", "egressGateways", "external", "racks"}, u.From, x.From)
			}
		}
	}
}

// givesSources reports whether a machine rewrites what its pods send to one of its own addresses.
func (l *lowering) givesSources(n *site.Node) bool {
	for _, g := range l.s.EgressGateways {
		if g.Provider == "host" && slices.ContainsFunc(g.Addresses, func(a string) bool { return slices.Contains(addrs(n.EgressAddresses), addr(a)) }) {
			return true
		}
	}
	return false
}
