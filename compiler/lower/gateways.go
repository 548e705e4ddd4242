package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// gatewayConnections is what a gateway is sized for where the site says nothing: concurrent client connections, all
// replicas together. A middling public gateway; it decides the connection table of the hosts under it.
const gatewayConnections = 10000

// Topology keys of spread.
const (
	rackLabel  = "meshgen.dev/rack"
	classLabel = "meshgen.dev/class"
	hostLabel  = "kubernetes.io/hostname"
)

// GatewayNamespace is the namespace of a gateway's pods.
func GatewayNamespace(gateway string) string { return "gateway-" + gateway }

func (l *lowering) gateways() {
	lb := l.set.LoadBalancer(l.s.LoadBalancer.Kind)
	for name, g := range byKey(l.s.Gateways) {
		path := site.Join("gateways", name)
		class := l.s.NodeClasses[g.Placement.Class]
		out := ir.Gateway{
			Name: name, Owner: g.Owner, Namespace: GatewayNamespace(name), Frontend: g.Frontend, Pool: g.Pool,
			VIPs: addrs(g.Addresses), Replicas: g.Replicas, Class: g.Placement.Class, Racks: l.gatewayRacks(g),
			SpreadKey: rackLabel, Tolerations: taints(class.Taints),
			Local:        g.ExternalTrafficPolicy == "Local",
			SourceRanges: prefixes(g.SourceRanges),
			LBClass:      lb.Class, Connections: gatewayConnections,
			Resources:  l.gatewayResources(),
			PodSysctls: l.gatewaySysctls(path, g.Implementation != nil),
			From: append(under(path, "frontend", "pool", "addresses", "replicas", "placement", "externalTrafficPolicy", "sourceRanges"),
				site.Join("nodeClasses", g.Placement.Class, "taints"), site.Join("pools", g.Pool, "announce"), "loadBalancer.kind",
				"mesh.revision", "mesh.kind", "racks"), // any rack may have, or lose, the nodes that its pods run on
		}
		if g.Placement.Spread == "node" {
			out.SpreadKey = hostLabel
		}
		if p := l.pool(g.Pool); p != nil && p.Protocol == "l2" && lb.Layer2Class != "" {
			out.LBClass = lb.Layer2Class
		}
		if g.Purpose == "federation" {
			// Nobody has a route there, so that nothing is left of the choice.
			out.Frontend = ir.FrontendIstio
			if crossing := l.crossing(); crossing != nil && crossing.frontend != "" {
				out.Frontend = crossing.frontend
			}
		}
		if i := g.Implementation; i != nil {
			out.Program = ir.Program{Kind: i.Kind, Version: i.Version, From: ir.From{path + ".implementation"}}
		}
		if g.Capacity != nil {
			out.Connections = g.Capacity.Connections
		}
		if out.Owner == "" {
			out.Owner = l.s.Owner
		}
		if out.Program.Kind != "" {
			l.program(&out)
		} else {
			l.meshKind().gateway(l, &out)
		}
		l.routeVersions(&out)
		if lb.AddressAnnotation != "" {
			out.Annotations = []ir.KV{{Key: lb.AddressAnnotation, Value: joinAddrs(out)}}
		}
		if out.ClassParameters.Name != "" {
			out.Infrastructure = out.Annotations
		}
		for ln, li := range byKey(g.Listeners) {
			listener := l.listener(name, ln, li)
			out.Listeners = append(out.Listeners, listener)
			out.From = append(out.From, listener.From...)
		}
		if l.p.CrossesSites(&out) {
			for _, listener := range l.crossing().listeners(l) {
				out.Listeners, out.From = append(out.Listeners, listener), append(out.From, listener.From...)
			}
		}
		l.behindBalancers(&out)
		l.p.Gateways = append(l.p.Gateways, out)
	}
}

func joinAddrs(g ir.Gateway) string {
	s := ""
	for i, a := range g.VIPs {
		if i > 0 {
			s += ","
		}
		s += a.String()
	}
	return s
}

// gatewayRacks returns where a gateway's pods may run: racks that announce its pool and have nodes of its class. A
// pool that nobody here announces ties nothing.
func (l *lowering) gatewayRacks(g *site.Gateway) []string {
	pool := l.pool(g.Pool)
	var out []string
	for name, r := range byKey(l.s.Racks) {
		if pool.Protocol == "bgp" && !slices.Contains(pool.Racks, name) {
			continue
		}
		for _, n := range r.Nodes {
			if n.Class == g.Placement.Class {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// gatewayResources are the chart's own defaults, written out so that a change of theirs is a change in review.
func (l *lowering) gatewayResources() ir.Resources {
	d := l.meshProfile().GatewayResources
	return ir.Resources{CPURequest: d.CPU.Request, CPULimit: d.CPU.Limit, MemoryRequest: d.Memory.Request, MemoryLimit: d.Memory.Limit}
}

// gatewaySysctls are the settings for a gateway pod's own network namespace. Host files do not reach it, and all of
// these are on the kubelet's safe list.
func (l *lowering) gatewaySysctls(path string, program bool) []ir.Sysctl {
	ports, reason := "16384 65535", "49,152 source ports towards each upstream address and port, instead of 28,232; clear of the proxy's own ports (15000-15090)"
	if program {
		ports, reason = "19456 65535", "46,080 source ports towards each upstream address and port, instead of 28,232; clear of the proxy's own ports (19000-19003)"
	}
	return []ir.Sysctl{
		{Key: "net.ipv4.ip_local_port_range", Value: ports,
			Reason: reason,
			Why:    "pod/port-range", From: ir.From{path}},
		{Key: "net.ipv4.ip_unprivileged_port_start", Value: "0",
			Reason: "the proxy binds 80 and 443 without a capability", Why: "pod/unprivileged-ports", From: ir.From{path}},
	}
}

func (l *lowering) listener(gateway, name string, li *site.Listener) ir.Listener {
	path := site.Join("gateways", gateway, "listeners", name)
	out := ir.Listener{Name: name, Port: uint16(li.Port), Protocol: li.Protocol, Redirect: li.RedirectToHTTPS,
		From: under(path, "port", "protocol", "redirectToHTTPS")}
	if t := li.TLS; t != nil {
		out.TLS = &ir.TLS{Mode: t.Mode, Secret: t.Secret, ClientCA: t.ClientCA, Issuer: t.Issuer, From: ir.From{path + ".tls"}}
		if t.Issuer != "" {
			out.TLS.Secret = gateway + "-" + name + "-tls"
		}
	}
	out.Hosts = l.listenerHosts(gateway, name, li)
	for _, h := range out.Hosts {
		out.From = append(out.From, h.From...)
	}
	return out
}

// listenerHosts collects who exposes what on a listener. A listener that only redirects answers for every host that
// the gateway serves over TLS.
func (l *lowering) listenerHosts(gateway, listener string, li *site.Listener) []ir.ListenerHost {
	byHost := map[string]*ir.ListenerHost{}
	for nn, n := range byKey(l.s.Namespaces) {
		for sn, s := range byKey(n.Services) {
			for i, e := range s.Expose {
				if e.Gateway != gateway {
					continue
				}
				if on := l.exposedOn(e); !slices.Contains(on, listener) && (!li.RedirectToHTTPS || l.streamed(e)) {
					continue
				}
				h := byHost[e.Host]
				if h == nil {
					h = &ir.ListenerHost{Host: e.Host}
					byHost[e.Host] = h
				}
				if !slices.Contains(h.Namespaces, nn) {
					h.Namespaces = append(h.Namespaces, nn)
				}
				h.From = append(h.From, site.Join("namespaces", nn, "services", sn, "expose", site.Index(i)))
			}
		}
	}
	var out []ir.ListenerHost
	for _, h := range byKey(byHost) {
		out = append(out, *h)
	}
	return out
}

// streamed reports whether a route names a listener of connections: nobody asks for its host by HTTP.
func (l *lowering) streamed(e site.Expose) bool {
	li := l.s.Gateways[e.Gateway].Listeners[e.Listener]
	return li != nil && (li.Protocol == "tcp" || li.Protocol == "udp" || li.Protocol == "tls" || li.TLS != nil && li.TLS.Mode == "passthrough")
}

// exposedOn returns the listeners that carry a route: the one that it names, or every one of the gateway that serves
// requests (not those that only redirect, nor those that pass connections through).
func (l *lowering) exposedOn(e site.Expose) []string {
	if e.Listener != "" {
		return []string{e.Listener}
	}
	var out []string
	for name, li := range byKey(l.s.Gateways[e.Gateway].Listeners) {
		request := li.Protocol == "http" || li.Protocol == "https" || li.Protocol == "grpc"
		if request && !li.RedirectToHTTPS && (li.TLS == nil || li.TLS.Mode != "passthrough") {
			out = append(out, name)
		}
	}
	return out
}
