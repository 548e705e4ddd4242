package consul

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// meshGateway writes the values of the gateway that peers reach. The chart takes what Kubernetes reads as texts.
func (e *emitter) meshGateway(y *artifact.YAML) {
	f := e.p.Federation
	if f == nil {
		return
	}
	g := e.p.Gateway(f.Gateway)
	y.From("", append(ir.From{"federation"}, g.From...)...)
	y.Map("meshGateway", func() {
		y.KV("enabled", true)
		y.KV("replicas", g.Replicas)
		y.Comment("Where peers find it: the chart knows one address.")
		y.Map("wanAddress", func() {
			y.KV("source", "Static")
			y.KV("static", g.VIPs[0])
			y.KV("port", f.Port)
		})
		y.KV("containerPort", f.Port)
		y.Map("service", func() {
			y.KV("type", "LoadBalancer")
			y.KV("port", f.Port)
			if len(g.Annotations) > 0 {
				y.Block("annotations", pairs(g.Annotations))
			}
			y.Block("additionalSpec", serviceText(g))
		})
		y.Comment("Where the address is announced: with externalTrafficPolicy Local a pod elsewhere gets no connection.")
		y.Block("affinity", fmt.Sprintf(placeText, g.Class, strings.Join(g.Racks, ", ")))
		y.Block("topologySpreadConstraints", fmt.Sprintf(spreadGateways, g.SpreadKey))
		if len(g.Tolerations) > 0 {
			y.Block("tolerations", tolerationsText(g.Tolerations))
		}
		backend.Resources(y, g.Resources)
	})
	y.Fixed()
}

const placeText = `nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
      - matchExpressions:
          - {key: meshgen.dev/class, operator: In, values: [%s]}
          - {key: meshgen.dev/rack, operator: In, values: [%s]}
`

const spreadGateways = `- maxSkew: 1
  topologyKey: %s
  whenUnsatisfiable: DoNotSchedule
  labelSelector:
    matchLabels:
      app: consul
      component: mesh-gateway
  matchLabelKeys: [pod-template-hash]
`

func pairs(list []ir.KV) string {
	var b strings.Builder
	for _, kv := range list {
		fmt.Fprintf(&b, "%q: %q\n", kv.Key, kv.Value)
	}
	return b.String()
}

// serviceText is what the chart has no value for.
func serviceText(g *ir.Gateway) string {
	var b strings.Builder
	if g.LBClass != "" {
		fmt.Fprintf(&b, "loadBalancerClass: %s\n", g.LBClass)
	}
	if g.Local {
		b.WriteString("externalTrafficPolicy: Local\n")
	}
	if len(g.SourceRanges) > 0 {
		fmt.Fprintf(&b, "loadBalancerSourceRanges: [%s]\n", `"`+strings.Join(ir.Prefixes(g.SourceRanges), `", "`)+`"`)
	}
	v4, v6 := false, false
	for _, a := range g.VIPs {
		v4, v6 = v4 || a.Is4(), v6 || a.Is6()
	}
	switch {
	case v4 && v6:
		b.WriteString("ipFamilyPolicy: RequireDualStack\n")
	case v6:
		b.WriteString("ipFamilies: [IPv6]\n")
	default:
		b.WriteString("ipFamilies: [IPv4]\n")
	}
	return b.String()
}

func tolerationsText(taints []ir.Taint) string {
	var b strings.Builder
	for _, t := range taints {
		if t.Value == "" {
			fmt.Fprintf(&b, "- {key: %s, operator: Exists, effect: %s}\n", t.Key, t.Effect)
		} else {
			fmt.Fprintf(&b, "- {key: %s, operator: Equal, value: %q, effect: %s}\n", t.Key, t.Value, t.Effect)
		}
	}
	return b.String()
}

// peering makes peers of the sites: one makes a token, the other brings it; and says what each may know of this one.
func (e *emitter) peering() {
	ns := e.p.Mesh.Namespace
	exports := map[string][]string{}
	var order []string
	var from ir.From
	for i := range e.k.Peers {
		p := &e.k.Peers[i]
		kind := "PeeringDialer"
		if p.Accepts {
			kind = "PeeringAcceptor"
		}
		e.add(backend.Gateways, kind, ns, p.Name, p.From, func(y *artifact.YAML) {
			y.Map("peer", func() {
				y.Map("secret", func() {
					y.KV("name", p.Secret)
					y.KV("key", "data")
					y.KV("backend", "kubernetes")
				})
			})
		})
		for _, s := range p.Exports {
			if exports[s] == nil {
				order = append(order, s)
			}
			exports[s] = append(exports[s], p.Name)
		}
		from = append(from, p.From...)
	}
	if f := e.p.Federation; f != nil {
		g := e.p.Gateway(f.Gateway)
		backend.NewWriter(e.p, e.t, backend.Gateways, "PodDisruptionBudget").Add(
			backend.Meta{APIVersion: "policy/v1", Namespace: g.Namespace, Name: g.Release, From: g.From}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.KV("maxUnavailable", 1)
					y.Map("selector", func() { backend.Pairs(y, "matchLabels", g.Selector) })
				})
			})
	}
	if len(order) == 0 {
		return
	}
	e.add(backend.Policy, "ExportedServices", ns, "default", append(from, "namespaces"), func(y *artifact.YAML) {
		y.Seq("services", func() {
			for _, s := range order {
				y.Item(func() {
					y.KV("name", s)
					y.Seq("consumers", func() {
						for _, peer := range exports[s] {
							y.Item(func() { y.KV("peer", peer) })
						}
					})
				})
			}
		})
	})
}

// aliases give services of other sites a name here: a Service without pods has an address that the cluster's DNS knows, and
// Consul takes what is sent to it for the service that the resolver leads to.
func (e *emitter) aliases() {
	ns := e.p.Mesh.Namespace
	services := backend.NewWriter(e.p, e.t, backend.Gateways, "Service")
	for i := range e.k.Aliases {
		a := &e.k.Aliases[i]
		services.Add(backend.Meta{APIVersion: "v1", Namespace: ns, Name: a.Name, From: a.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Comment("It has no pods. A proxy takes what is sent to the address, at whatever port.")
				y.KV("type", "ClusterIP")
				y.Seq("ports", func() {
					y.Item(func() {
						y.KV("name", "any")
						y.KV("port", 80)
						y.KV("protocol", "TCP")
					})
				})
			})
		})
		e.add(backend.Policy, "ServiceResolver", ns, a.Name, a.From, func(y *artifact.YAML) {
			if a.Datacenter != "" {
				redirect(y, a.Datacenter)
				return
			}
			y.Map("redirect", func() {
				y.KV("service", a.Service)
				y.KV("peer", a.Peer)
			})
		})
		if a.Datacenter != "" {
			continue // its intentions are in Consul, by the site that it is of
		}
		e.add(backend.Policy, "ServiceIntentions", ns, a.Name, a.From, func(y *artifact.YAML) {
			y.Comment("Callers' proxies know it; the site of the service decides who gets in.")
			y.Map("destination", func() { y.KV("name", a.Name) })
			y.Seq("sources", func() {
				for j := range a.Callers {
					c := &a.Callers[j]
					y.From("", c.From...)
					y.Item(func() { source(y, c) })
				}
				y.Fixed()
			})
		})
	}
}
