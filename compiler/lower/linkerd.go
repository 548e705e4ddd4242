package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdOpaquePorts are the ports that its charts take for streams (proxy.opaquePorts of edge-26.6.3). A list of ours
// replaces theirs.
var linkerdOpaquePorts = []uint16{25, 587, 3306, 4444, 5432, 6379, 9300, 11211}

// Addresses for documentation (RFC 5737, RFC 3849): nothing has them, so that a connection to one arrives only where the
// proxy takes it.
const validator4, validator6 = "192.0.2.1:20001", "[2001:db8::1]:20001"

// linkerd decides what Linkerd is told: how its charts are installed, what proxies speak on which port, and who may
// call whom.
func (l *lowering) linkerd() {
	m, c := &l.p.Mesh, &l.p.Cluster
	if m.Kind != "linkerd" {
		return
	}
	k := &ir.Linkerd{
		Networks:     slices.Concat(c.PodCIDRs, c.ServiceCIDRs, c.NodeSubnets),
		NetworksFrom: slices.Concat(c.From.Of("podCIDRs", "serviceCIDRs"), c.NodeSubnetsFrom),
		Probes:       c.NodeSubnets,
		ProbesFrom:   c.NodeSubnetsFrom,
		IssuedFor:    "identity." + m.Namespace + "." + m.TrustDomain,
		EgressPlace:  linkerdEgress,
		Webhooks: []ir.LinkerdWebhook{
			{Value: "proxyInjector", Service: "linkerd-proxy-injector", Secret: "linkerd-proxy-injector-k8s-tls"},
			{Value: "profileValidator", Service: "linkerd-sp-validator", Secret: "linkerd-sp-validator-k8s-tls"},
			{Value: "policyValidator", Service: "linkerd-policy-validator", Secret: "linkerd-policy-validator-k8s-tls"},
		},
		From: m.From,
	}
	if prof := l.set.CNI(c.CNI.Kind); prof != nil && prof.CallsPodsFrom == "pods" {
		// A node calls its own pods in the name of its bridge or router there, which has an address of theirs.
		k.Probes = slices.Concat(c.NodeSubnets, c.PodCIDRs)
		k.ProbesFrom = slices.Concat(c.NodeSubnetsFrom, c.From.Of("podCIDRs"), ir.From{"kubernetes.cni"})
	}
	k.Validator = validator6
	for _, p := range c.PodCIDRs {
		if p.Addr().Is4() {
			k.Validator = validator4
		} else {
			k.IPv6 = true
		}
	}
	l.p.Linkerd = k
	l.linkerdOpaque()
	l.linkerdServers()
	l.linkerdMachines()
	l.linkerdStages()
	l.linkerdFederation()
	l.linkerdRoutes()
	l.linkerdOutside()
}

// linkerdOpaque: a proxy waits up to ten seconds for the first bytes of a client, and where the server speaks first none
// come.
func (l *lowering) linkerdOpaque() {
	k := l.p.Linkerd
	requests := map[uint16]bool{}
	add := func(ports []ir.Port) {
		for _, p := range ports {
			k.OpaqueFrom = append(k.OpaqueFrom, p.From...)
			switch {
			case p.Protocol == "tcp":
				k.OpaquePorts = append(k.OpaquePorts, p.Port, p.TargetPort)
			case ir.IsHTTP(p.Protocol):
				requests[p.Port], requests[p.TargetPort] = true, true
			}
		}
	}
	for i := range l.p.Services {
		add(l.p.Services[i].Ports)
	}
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		add(x.Ports)
		for _, p := range x.Ports {
			if p.Protocol == "tls" && len(x.Addresses) == 0 && l.p.Mesh.RegistryOnly {
				requests[p.Port] = true // in a stream nobody reads the name
			}
		}
	}
	for _, n := range linkerdOpaquePorts {
		if !requests[n] { // a rule refuses what the site has both ways
			k.OpaquePorts = append(k.OpaquePorts, n)
		}
	}
	slices.Sort(k.OpaquePorts)
	k.OpaquePorts = slices.DeleteFunc(slices.Compact(k.OpaquePorts), func(n uint16) bool { return n == 0 })
}

// linkerdProtocol is what a Server is told of a port. gRPC is HTTP/2 to it, so that paths and methods are told apart in
// the same way.
func linkerdProtocol(protocol string) string {
	switch protocol {
	case "http":
		return "HTTP/1"
	case "grpc":
		return "HTTP/2"
	case "https", "tls":
		return "TLS"
	}
	return "opaque"
}

// everywhere is any address of both families.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
