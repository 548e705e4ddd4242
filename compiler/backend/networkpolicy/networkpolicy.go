// Package networkpolicy prints the plan's edges as Kubernetes NetworkPolicy, the layer under every mesh.
//
// In comes an *ir.Plan. Out goes kubernetes/overlays/<site>/40-policy/networkpolicy.yaml: for each namespace of services
// and of a gateway a policy that refuses everything, one that admits what every pod needs (names, API server, control
// plane, scraper, probes), and one for each service and gateway with its callers and callees. For an incident one more
// for each service goes beside the phases, where pods are to run without a mesh's proxy whose port policies name.
//
// A policy sees connections between pods after the translation of Service addresses, so that ports are those of
// containers. It holds for pods outside the mesh as well, and for what a proxy does not capture.
package networkpolicy

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints NetworkPolicy objects.
var Backend = backend.Backend{
	Name: "networkpolicy",
	Kind: "networkpolicy",
	Doc:  "NetworkPolicy for the namespaces of services and gateways",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	var all []policy
	for i := range p.Namespaces {
		n := &p.Namespaces[i]
		if n.Purpose != "services" {
			continue
		}
		if p.Mesh.OwnPolicy {
			all = append(all, defaultDeny(n)) // and not a word more: the mesh's own policies open what is open
			continue
		}
		all = append(all, defaultDeny(n), platform(p, n))
		for j := range p.Services {
			if s := &p.Services[j]; s.Namespace == n.Name && s.Workload != ir.Machine {
				all = append(all, service(p, s))
			}
		}
		if w := p.Mesh.Waypoint; w != nil && n.Waypoint && n.Meshed {
			all = append(all, waypoint(p, n, w))
		}
	}
	for i := range p.Namespaces {
		n := &p.Namespaces[i]
		for j := range p.Gateways {
			if g := &p.Gateways[j]; g.Namespace == n.Name && n.Purpose != "mesh" {
				all = append(all, defaultDeny(n))
				if !p.Mesh.OwnPolicy {
					all = append(all, gateway(p, g))
				}
				if p.Linkerd != nil && p.CrossesSites(g) {
					all = append(all, links(p, g.Namespace, g.From))
				}
			}
		}
	}
	if p.Linkerd != nil && p.Federation != nil && p.Federation.Flat {
		for i := range p.Namespaces {
			if n := &p.Namespaces[i]; n.Name == p.Linkerd.Links[0].Namespace {
				all = append(all, defaultDeny(n), links(p, n.Name, n.From))
			}
		}
	}
	for i := range p.Namespaces {
		n := &p.Namespaces[i]
		for j := range p.EgressProxies {
			if x := &p.EgressProxies[j]; x.Pods.Namespace == n.Name {
				all = append(all, defaultDeny(n), egressGateway(p, x))
			}
		}
	}
	breakGlass(p, t)
	all = append(all, passages(p)...)
	if len(all) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.Policy, "NetworkPolicy")
	for _, o := range all {
		o.write(p, y)
	}
}

// breakGlass admits, for an incident, pods without proxies where they are called and to whom they call.
func breakGlass(p *ir.Plan, t *artifact.Tree) {
	if p.BreakGlass == nil || len(p.BreakGlass.Plain) == 0 {
		return
	}
	bare := *p
	bare.Exposures, bare.Federation = nil, nil // the site's own policies have them
	y := backend.Objects(p, t, backend.BreakGlassOpen, "NetworkPolicy")
	for i := range p.BreakGlass.Plain {
		s := &p.BreakGlass.Plain[i]
		o := service(&bare, s)
		o.name, o.labels = "plain-"+s.Name, []ir.KV{backend.Staged("break-glass")}
		o.write(p, y)
	}
	for _, o := range plainProxies(p) {
		o.write(p, y)
	}
}

// plainProxies admits gateways and waypoints to pods without proxies.
func plainProxies(p *ir.Plan) []policy {
	var out []policy
	for i := range p.BreakGlass.Plain {
		s := &p.BreakGlass.Plain[i]
		for _, c := range s.Callers {
			if c.Kind != "gateway" && c.Kind != "waypoint" {
				continue
			}
			name := "plain-" + c.Kind + "-" + c.Name
			k := slices.IndexFunc(out, func(o policy) bool { return o.namespace == c.Namespace && o.name == name })
			if k < 0 {
				k, out = len(out), append(out, policy{namespace: c.Namespace, name: name, selector: c.Labels, labels: []ir.KV{backend.Staged("break-glass")}})
			}
			o := &out[k]
			o.from = append(o.from, c.From...)
			o.egress = merge(o.egress, rule{comment: "to service " + s.Namespace + "/" + s.Name, peers: ends(s.Namespace, s.Labels, nil), ports: containerPorts(c.Ports), from: c.From})
		}
	}
	return out
}

// defaultDeny refuses every connection of a namespace's pods, in and out, that no other policy admits.
func defaultDeny(n *ir.Namespace) policy {
	return policy{namespace: n.Name, name: "default-deny", from: n.From}
}

// namespaceLabel is on every namespace and carries its name.
const namespaceLabel = "kubernetes.io/metadata.name"
