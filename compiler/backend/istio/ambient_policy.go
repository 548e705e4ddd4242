package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// In ambient mode two proxies decide. ztunnel holds the policies that select pods and sees connections: of an ALLOW rule
// with a condition on requests it takes none (pilot/pkg/serviceregistry/ambient/authorization.go, handleRule). A waypoint
// holds the policies that name it, its Service or its class, and no others (pilot/pkg/model/policyattachment.go).

// denyAtWaypoints refuses at every waypoint what no other policy allows; the mesh-wide refusal does not hold there.
func (e *emitter) denyAtWaypoints() {
	from := append(ir.From{}, e.p.Mesh.From.Of("kind")...)
	if w := e.p.Mesh.Waypoint; w != nil {
		from = append(from, w.From...)
	}
	for i := range e.p.EgressProxies {
		from = append(from, e.p.EgressProxies[i].From...)
	}
	if e.p.Mesh.Waypoint == nil && len(e.p.EgressProxies) == 0 {
		return
	}
	o := e.objects(backend.Enforcement, "AuthorizationPolicy")
	o.Add(backend.Meta{APIVersion: securityV1, Namespace: e.p.Mesh.Namespace, Name: "deny-by-default-waypoints", From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() { target(y, gatewayAPIGroup, "GatewayClass", waypointClass) })
	})
}

func target(y *artifact.YAML, group, kind, name string) {
	y.Seq("targetRefs", func() {
		y.Item(func() {
			y.KV("group", group)
			y.KV("kind", kind)
			y.KV("name", name)
		})
	})
}

// podRules are what ztunnel admits to the pods of a service: its callers, or the waypoint in place of those that come
// with an identity, so that nobody goes round it. A caller of a pod that is held to methods, paths or tokens gets nothing here:
// ztunnel could not hold it to them. A gateway is held to its routes by itself. Only while a namespace changes its mode
// callers that may not be captured yet are admitted to their ports, whatever they ask for.
func (e *emitter) podRules(s *ir.Service) []rule {
	direct := *s
	direct.Callers, direct.JWT, direct.Unproxied = nil, nil, false
	direct.Peers = slices.DeleteFunc(slices.Clone(s.Peers), func(c ir.Caller) bool { return len(c.Methods)+len(c.Paths) > 0 })
	called := false
	for _, c := range s.Callers {
		if s.Unproxied && c.OfMesh() { // ztunnel sees no requests, and the waypoint none of theirs
			plain := c
			plain.Identity, plain.Methods, plain.Paths = "", nil, nil
			direct.Callers = append(direct.Callers, plain)
		}
		if s.Waypoint != "" && c.Identity != "" {
			called = true
			continue
		}
		if c.Kind == "gateway" {
			c.Paths, c.Hosts = nil, nil
		}
		if len(c.Methods)+len(c.Paths)+len(c.Hosts) == 0 && s.JWT == nil {
			direct.Callers = append(direct.Callers, c)
		}
	}
	rules := e.callerRules(&direct)
	for i := range rules { // ports alone
		var ports []uint16
		for _, o := range rules[i].operations {
			ports = append(ports, o.ports...)
		}
		rules[i].operations = []operation{{ports: sortedPorts(ports)}}
	}
	http, other := httpPorts(s.Ports)
	if ports := targets(append(http, other...)); called && len(ports) > 0 {
		rules = append([]rule{{comment: "the waypoint, which admits the callers", principal: s.Waypoint,
			operations: []operation{{ports: ports}}, from: s.EdgesFrom}}, rules...)
	}
	return rules
}

// requestPolicies admits the callers of each service at its waypoint. A Service that nobody may call has no policy there:
// that of the class holds.
func (e *emitter) requestPolicies() {
	o := e.objects(backend.Policy, "AuthorizationPolicy")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.Waypoint == "" {
			continue
		}
		at := *s
		at.Callers, at.Unproxied = nil, false // who has no proxy does not come by
		for _, c := range s.Callers {
			if c.Identity != "" {
				c.Ports = servicePorts(c.Ports)
				at.Callers = append(at.Callers, c)
			}
		}
		rules := e.callerRules(&at)
		if len(rules) == 0 {
			continue
		}
		o.Add(backend.Meta{APIVersion: securityV1, Namespace: s.Namespace, Name: s.Name + "-requests", From: s.EdgesFrom}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Comment("At the waypoint, where connections have the ports of the Service, and not those of containers.")
				target(y, "", "Service", s.Name)
				y.KV("action", "ALLOW")
				y.Seq("rules", func() { e.rules(y, rules) })
			})
		})
	}
}

// servicePorts returns ports as a waypoint sees them: the connection in the tunnel is to the Service's address and port
// (pilot/pkg/networking/core/listener_waypoint.go).
func servicePorts(ports []ir.Port) []ir.Port {
	out := make([]ir.Port, len(ports))
	for i, p := range ports {
		p.TargetPort = p.Port
		out[i] = p
	}
	return out
}
