package istio

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// An egress gateway takes connections and no requests: the sidecar of a service knows each address of a destination as a
// host of its own, and leads each port of it into one connection of the mesh with a server name of its own. The gateway
// ends it, asks its policy for caller and name, and opens a connection to the address.
//
// Read in pilot/pkg/networking/core of release 1.31 on 2026-11-21: gateway.go, buildGatewayNetworkFiltersFromTCPRoutes takes
// the first route whose hosts are among the server's, so that each name needs a server of its own; tls.go,
// buildSidecarOutboundTCPFilterChainOpts has no route for a port of protocol TLS that is not matched by name, so that the
// ports are declared as TCP; cluster_tls.go sends the name of a DestinationRule in mode ISTIO_MUTUAL.

// egressGateways writes what the gateways' own namespaces have: who listens, where each name leads, and who may.
func (e *emitter) egressGateways() {
	gateways, routes := e.objects(backend.Gateways, "Gateway"), e.objects(backend.Gateways, "VirtualService")
	entries, rules := e.objects(backend.Gateways, "ServiceEntry"), e.objects(backend.Gateways, "DestinationRule")
	policies := e.objects(backend.Gateways, "AuthorizationPolicy")
	for i := range e.p.EgressProxies {
		x := &e.p.EgressProxies[i]
		g := &x.Pods
		meta := func(name string, from ir.From) backend.Meta {
			return backend.Meta{APIVersion: networkingV1, Namespace: g.Namespace, Name: name, From: from}
		}
		gateways.Add(meta(g.Name, x.From), func(y *artifact.YAML) { y.Map("spec", func() { egressServers(y, x) }) })
		rules.Add(meta(g.Name, x.From), func(y *artifact.YAML) { y.Map("spec", func() { egressSubsets(y, x) }) })
		for k := range x.Routes {
			r := &x.Routes[k]
			entries.Add(meta(egressName(r), r.From), func(y *artifact.YAML) { y.Map("spec", func() { egressEntry(y, r) }) })
			for _, p := range r.Ports {
				routes.Add(meta(p.Subset, slices.Concat(r.From, x.From)), func(y *artifact.YAML) {
					y.Map("spec", func() {
						egressRoute(y, []string{p.SNI}, []string{g.Name}, x.Port, egressLead{host: r.Host, port: p.Port.Port})
					})
				})
			}
		}
		o := backend.Meta{APIVersion: securityV1, Namespace: g.Namespace, Name: g.Name, From: x.From}
		policies.Add(o, func(y *artifact.YAML) { y.Map("spec", func() { e.egressPolicy(y, x) }) })
	}
}

// egressServers: one server a name. They share the port.
func egressServers(y *artifact.YAML, x *ir.EgressProxy) {
	backend.Pairs(y, "selector", x.Pods.Selector)
	y.Seq("servers", func() {
		for _, r := range x.Routes {
			for _, p := range r.Ports {
				y.From("", slices.Concat(r.From, p.From, x.From)...)
				y.Item(func() {
					y.Map("port", func() {
						y.KV("name", p.Subset)
						y.KV("number", x.Port)
						y.KV("protocol", "TLS")
					})
					y.KV("hosts", []string{"./" + p.SNI})
					y.Map("tls", func() { y.KV("mode", "ISTIO_MUTUAL") })
				})
			}
		}
		y.Fixed()
	})
}

// egressSubsets: the connections of the mesh to the gateway, one for each name.
func egressSubsets(y *artifact.YAML, x *ir.EgressProxy) {
	var namespaces []string
	for _, r := range x.Routes {
		for _, u := range r.Users {
			if !slices.Contains(namespaces, u.Namespace) {
				namespaces = append(namespaces, u.Namespace)
			}
		}
	}
	slices.Sort(namespaces)
	y.KV("exportTo", namespaces)
	y.KV("host", x.Host)
	y.Seq("subsets", func() {
		for _, r := range x.Routes {
			for _, p := range r.Ports {
				y.From("", slices.Concat(r.From, p.From, x.From)...)
				y.Item(func() {
					y.KV("name", p.Subset)
					backend.Nested(y, []string{"trafficPolicy", "tls"}, func() {
						y.KV("mode", "ISTIO_MUTUAL")
						y.KV("sni", p.SNI)
					})
				})
			}
		}
		y.Fixed()
	})
}

// egressEntry makes an address known to the proxies of one namespace: that of the gateway, or of services that use it.
func egressEntry(y *artifact.YAML, r *ir.EgressRoute) {
	y.KV("exportTo", []string{"."})
	egressAddress(y, r)
}

func egressAddress(y *artifact.YAML, r *ir.EgressRoute) {
	y.From("", r.From...)
	y.Comment("A name for Istio's registry alone: clients use the address.")
	y.KV("hosts", []string{r.Host})
	y.KV("addresses", []string{r.Address.String()})
	y.Fixed()
	y.KV("location", "MESH_EXTERNAL")
	y.Seq("ports", func() {
		for _, p := range r.Ports {
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("number", p.Port.Port)
				y.Comment("Whatever it carries: packets of a fixed source are told apart by address and port.")
				y.KV("protocol", "TCP")
			})
		}
		y.Fixed()
	})
	y.KV("resolution", "STATIC")
	y.From("", r.From...)
	y.Seq("endpoints", func() { y.Item(func() { y.KV("address", r.Address) }) })
	y.Fixed()
}

// egressLead is where a route leads.
type egressLead struct {
	host, subset string
	port         uint16
}

func egressRoute(y *artifact.YAML, hosts, gateways []string, port uint16, to egressLead) {
	y.KV("exportTo", []string{"."})
	y.KV("hosts", hosts)
	if gateways != nil {
		y.KV("gateways", gateways)
	}
	y.Seq("tcp", func() { egressLeg(y, port, to) })
}

func egressLeg(y *artifact.YAML, port uint16, to egressLead) {
	y.Item(func() {
		y.Seq("match", func() { y.Item(func() { y.KV("port", port) }) })
		y.Seq("route", func() {
			y.Item(func() {
				y.Map("destination", func() {
					y.KV("host", to.host)
					if to.subset != "" {
						y.KV("subset", to.subset)
					}
					y.Map("port", func() { y.KV("number", to.port) })
				})
			})
		})
	})
}

// egressPolicy admits each service to the names that it declares. Without a rule of this policy the mesh-wide one refuses.
func (e *emitter) egressPolicy(y *artifact.YAML, x *ir.EgressProxy) {
	y.Map("selector", func() { backend.Pairs(y, "matchLabels", x.Pods.Selector) })
	y.KV("action", "ALLOW")
	y.Seq("rules", func() {
		for _, r := range x.Routes {
			for _, u := range r.Users {
				y.From("", slices.Concat(u.From, r.From, x.From, ir.From{"mesh.trustDomain"})...)
				y.Comment("service " + u.Namespace + "/" + u.Name + ", to external " + r.External)
				y.Item(func() {
					y.Seq("from", func() {
						y.Item(func() { y.Map("source", func() { y.KV("principals", []string{u.Identity}) }) })
					})
					y.Seq("when", func() {
						y.Item(func() {
							y.KV("key", "connection.sni")
							y.Seq("values", func() {
								for _, p := range r.Ports {
									y.Elem(p.SNI)
								}
							})
						})
					})
				})
			}
		}
		y.Fixed()
	})
}

// egressClients writes what the sidecars of services know of the destinations behind egress gateways, in each namespace
// that uses them and there alone.
func (e *emitter) egressClients() {
	entries, routes := e.objects(backend.Policy, "ServiceEntry"), e.objects(backend.Policy, "VirtualService")
	for i := range e.p.EgressProxies {
		x := &e.p.EgressProxies[i]
		for k := range x.Routes {
			r := &x.Routes[k]
			for _, n := range e.p.Namespaces {
				from := r.UsersIn(n.Name)
				if len(from) == 0 {
					continue
				}
				meta := backend.Meta{APIVersion: networkingV1, Namespace: n.Name, Name: egressName(r), From: append(from, r.From...)}
				entries.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { egressEntry(y, r) }) })
				routes.Add(meta, func(y *artifact.YAML) {
					y.Map("spec", func() {
						y.KV("exportTo", []string{"."})
						y.KV("hosts", []string{r.Host})
						y.Seq("tcp", func() {
							for _, p := range r.Ports {
								y.From("", slices.Concat(r.From, p.From)...)
								egressLeg(y, p.Port.Port, egressLead{host: x.Host, subset: p.Subset, port: x.Port})
							}
							y.Fixed()
						})
					})
				})
			}
		}
	}
}

// egressName is the name of the objects about one address of a destination.
func egressName(r *ir.EgressRoute) string {
	label, _, _ := strings.Cut(r.Host, ".")
	return r.External + "-" + label
}

// egressCalled adds what a namespace's sidecars import for it: its own hosts of the addresses, and the gateway's Service.
func (e *emitter) egressCalled(namespace string, add func(entry string, from ir.From)) {
	for i := range e.p.EgressProxies {
		x := &e.p.EgressProxies[i]
		for k := range x.Routes {
			r := &x.Routes[k]
			if from := r.UsersIn(namespace); len(from) > 0 {
				add("./"+r.Host, append(from, r.From...))
				add(x.Pods.Namespace+"/"+x.Host, append(from, x.From...))
			}
		}
	}
}

// egressValues: the release of an egress gateway. The mesh alone calls its Service, also where that has an address outside:
// who does not show a certificate of a service that is named here is refused.
func (e *emitter) egressValues(y *artifact.YAML, x *ir.EgressProxy) {
	g := &x.Pods
	y.Begin(x.From...)
	y.KV("name", g.Release)
	y.From("", e.p.Mesh.From.Of("revision")...)
	y.KV("revision", e.p.Mesh.Revision)
	y.Fixed()
	if len(x.Pods.VIPs) > 0 {
		y.Comment("One at any time: the source address is that of one pod. A rollout takes the old one away first.")
		y.Map("strategy", func() { y.KV("type", "Recreate") })
	} else {
		y.Comment("A fixed number: each replica has a node with an address of its own.")
	}
	y.Map("autoscaling", func() { y.KV("enabled", false) })
	y.From("", g.From...)
	y.KV("replicaCount", g.Replicas)
	if g.Replicas > 1 {
		y.Map("podDisruptionBudget", func() { y.KV("maxUnavailable", 1) })
	}
	backend.Resources(y, g.Resources)
	y.Fixed()
	podSecurity(y, g)
	if e.spire() != nil {
		y.From("", e.p.Mesh.CA.From...)
		y.Map("podAnnotations", func() { e.gatewayTemplates(y) })
	}
	why := "Where the source addresses are: a pod elsewhere would send with the address of its node."
	if len(g.VIPs) > 0 {
		why = "Where kube-vip answers for the address: it follows the pod."
	}
	backend.PlacementFor(y, g, why, "go on with their addresses")
	y.Map("service", func() {
		if len(g.VIPs) == 0 {
			y.KV("type", "ClusterIP")
		} else {
			y.KV("type", "LoadBalancer")
			y.Comment("Nobody comes in by the nodes.")
			y.KV("allocateLoadBalancerNodePorts", false)
			serviceSpec(y, g)
			y.From("", slices.Concat(g.From, x.From)...)
			backend.Pairs(y, "annotations", g.Annotations)
		}
		y.Seq("ports", func() {
			y.From("", x.From...)
			y.Item(func() {
				y.KV("name", "tls")
				y.KV("port", x.Port)
				y.KV("targetPort", x.Port)
				y.KV("protocol", "TCP")
			})
			y.Fixed()
		})
	})
}
