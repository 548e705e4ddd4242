package policy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// In ambient mode (Istio 1.31) the proxy of a node, ztunnel, carries the TCP of its captured pods from port 15008 to port
// 15008, checks identities and sees connections only. Requests to the Services of a namespace with a waypoint pass that
// first, unless the client dials pods. Nothing has a scope, and what ztunnel does not know it sends on as it is.

// tunnelPort is where captured pods and waypoints take connections of the mesh.
const tunnelPort = 15008

// Names of upstream.
const (
	waypointClass  = "istio-waypoint"
	waypointFor    = "istio.io/waypoint-for"
	useWaypoint    = "istio.io/use-waypoint"
	ingressThrough = "istio.io/ingress-use-waypoint"
	dataplaneMode  = "istio.io/dataplane-mode"
)

// ambient reports whether the values of the control plane select that mode.
func (m *Model) ambient() bool { return m.mesh.Profile == "ambient" }

// captured by ztunnel, and not by a sidecar, which would win.
func (m *Model) inAmbient(w *Workload) bool {
	labels, ours := m.namespaces[w.Namespace]
	if !ours {
		return w.Meshed
	}
	_, sidecars := labels["istio.io/rev"]
	return labels[dataplaneMode] == "ambient" && !sidecars && labels["istio-injection"] != "enabled"
}

// waypointOf returns the pods that the requests to a Service pass, nil where they go straight to its own.
func (m *Model) waypointOf(from, to *Workload) *Workload {
	labels := m.namespaces[to.Namespace]
	name := labels[useWaypoint]
	if name == "" || name == "none" || to.Headless || to.Host == "" || from == nil || !m.meshed(from) || !m.inAmbient(to) || to.Gateway { // whether or not its pods are captured
		return nil
	}
	if from.Gateway && !strings.EqualFold(labels[ingressThrough], "true") {
		return nil
	}
	return m.waypointNamed(to.Namespace, name)
}

// waypointNamed returns the pods of a waypoint for Services, nil where no Gateway of that name makes any.
func (m *Model) waypointNamed(namespace, name string) *Workload {
	if !slices.ContainsFunc(m.apiGates, func(g apiGateway) bool {
		return g.Namespace == namespace && g.Name == name && g.spec.GatewayClassName == waypointClass && slices.Contains([]string{"", "service", "all"}, g.labels[waypointFor]) &&
			slices.ContainsFunc(g.spec.Listeners, func(l apiListener) bool { return l.Protocol == "HBONE" && l.Port == tunnelPort })
	}) {
		return nil
	}
	return &Workload{Namespace: namespace, Name: name, ServiceAccount: name, Labels: map[string]string{gatewayNameLabel: name}, Gateway: true}
}

// reachAmbient is a request to a Service: through its waypoint, or to its pods.
func (m *Model) reachAmbient(v *Verdict, from Caller, to *Workload, port Port, req Request) []Lead {
	udp := req.UDP || port.Protocol == "udp"
	waypoint := m.waypointOf(from.Workload, to)
	if waypoint == nil || udp {
		steps := m.ambientHop(from, to, port.Target, udp)
		if to.Machine {
			steps = append(steps, m.registered(from, to, port))
		}
		v.Steps = append(v.Steps, steps...)
		return []Lead{{Namespace: to.Namespace, Name: to.Name, Port: port.Port, Weight: 100, Allowed: refusals(steps) == 0}}
	}
	w := from.Workload
	at := waypoint.Namespace + "/" + waypoint.Name
	tokens, principal := m.validateAt(at, func(r *requestAuthentication) bool {
		return slices.ContainsFunc(r.spec.TargetRefs, func(t targetRef) bool { return m.namesWaypoint(t, r.Namespace, waypoint, to) })
	}, req.Token)
	if !speaksHTTP(port.Protocol) {
		tokens.Effect, principal = Silent, ""
	}
	v.Steps = append(v.Steps, tokens,
		m.networkStep(Egress, w, end{waypoint, waypoint.Address}, tunnelPort, false),
		m.networkStep(Ingress, waypoint, end{w, w.Address}, tunnelPort, false),
		m.authorizeAt(at, func(p *authorizationPolicy) bool { return m.appliesAtWaypoint(p, waypoint, to) },
			connection{identity: m.identity(w), token: principal, address: w.Address, port: port.Port, http: speaksHTTP(port.Protocol), method: req.Method, path: req.Path, host: req.Host}))
	s, leads := m.waypointRoute(at, to, port, req)
	v.Steps = append(v.Steps, s)
	for i := range leads {
		l := &leads[i]
		if l.Weight == 0 {
			continue
		}
		end := m.find(l.Namespace, l.Name)
		p, ok := Port{}, end != nil
		if ok {
			p, ok = end.port(l.Port)
		}
		if !ok {
			v.Steps = append(v.Steps, Step{Layer: Route, At: l.Namespace + "/" + l.Name, Effect: Refuse, Why: fmt.Sprintf("there is no such Service with port %d", l.Port)})
			continue
		}
		steps := m.ambientHop(Caller{Workload: waypoint}, end, p.Target, false)
		if end.Machine {
			steps = append(steps, m.registered(Caller{Workload: waypoint}, end, p))
		}
		l.Allowed = refusals(steps) == 0
		v.Steps = append(v.Steps, steps...)
	}
	return leads
}

func refusals(steps []Step) int {
	n := 0
	for _, s := range steps {
		if s.Effect == Refuse {
			n++
		}
	}
	return n
}

// ambientHop is one connection to a pod. Between two ends of the mesh it goes to the tunnel's port. Processes of the pod's
// own node pass ztunnel by: the node agent gives their packets a source address that it leaves alone.
func (m *Model) ambientHop(from Caller, to *Workload, target uint16, udp bool) []Step {
	var steps []Step
	captured := m.meshed(to) && !to.Gateway && !udp
	wire := target
	if captured && from.Workload != nil && m.meshed(from.Workload) {
		wire = tunnelPort
	}
	caller := end{from.Workload, from.Address}
	if w := from.Workload; w != nil {
		caller.address = w.Address
		steps = append(steps, m.networkStep(Egress, w, end{to, to.Address}, wire, udp))
	}
	in := m.networkStep(Ingress, to, caller, wire, udp)
	if from.Kubelet {
		in = Step{Layer: Ingress, At: in.At, Effect: Silent, Why: "the node of a pod always reaches it"}
	}
	steps = append(steps, in)
	if !captured || from.Kubelet {
		return steps
	}
	tls, identity := m.authenticate(to, from.Workload, target, wire != tunnelPort)
	return append(steps, tls, m.authorize(to, connection{identity: identity, address: caller.address, port: target}))
}

// appliesAtWaypoint: by the Service, by the waypoint's Gateway, or from the root namespace by the class of all waypoints.
// Policies without a target do not hold there.
func (m *Model) appliesAtWaypoint(p *authorizationPolicy, waypoint, to *Workload) bool {
	return slices.ContainsFunc(p.spec.TargetRefs, func(r targetRef) bool { return m.namesWaypoint(r, p.Namespace, waypoint, to) })
}

func (m *Model) namesWaypoint(r targetRef, namespace string, waypoint, to *Workload) bool {
	switch r.Kind {
	case "Service":
		return r.Group == "" && namespace == to.Namespace && r.Name == to.Name
	case "Gateway":
		return r.Group == "gateway.networking.k8s.io" && namespace == waypoint.Namespace && r.Name == waypoint.Name
	case "GatewayClass":
		return r.Group == "gateway.networking.k8s.io" && namespace == m.root && r.Name == waypointClass
	}
	return false
}

// waypointRoute is the route of a waypoint to a Service: of its HTTPRoute, or of the VirtualService of its host. Both for
// one host is not defined.
func (m *Model) waypointRoute(at string, to *Workload, port Port, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: at, Effect: Silent, Why: "straight to the service"}
	straight := []Lead{{Namespace: to.Namespace, Name: to.Name, Port: port.Port, Weight: 100}}
	var virtual *virtualService
	for i := range m.virtual {
		if v := &m.virtual[i]; v.inMesh() && v.Namespace == to.Namespace && slices.Contains(v.spec.Hosts, to.Host) {
			virtual = v
		}
	}
	for i := range m.routes {
		r := &m.routes[i]
		if !r.ofService(to, port) {
			continue
		}
		if virtual != nil {
			return Step{Layer: Route, At: at, Object: r.Object, Effect: Refuse, Why: "a VirtualService is about the same host: which of them holds is not defined"}, nil
		}
		for k := range r.spec.Rules {
			rule := &r.spec.Rules[k]
			if len(rule.Matches) > 0 {
				return Step{Layer: Route, At: at, Object: r.Object, Effect: Refuse, Why: "matches of a route to a Service are not understood"}, nil
			}
			s.Object = r.at("spec", "rules", k)
			return m.backends(s, r, rule)
		}
	}
	if virtual == nil || !speaksHTTP(port.Protocol) {
		return s, straight
	}
	return m.routed(s, virtual.meta, virtual, port.Port, req)
}

func (r *httpRoute) ofService(to *Workload, port Port) bool {
	return r.Namespace == to.Namespace && slices.ContainsFunc(r.spec.ParentRefs, func(p parentRef) bool {
		return p.Kind == "Service" && p.Group == "" && p.Name == to.Name && (p.Port == 0 || p.Port == port.Port)
	})
}

// followAmbient leads the ends of a gateway's route on, each through its own waypoint.
func (m *Model) followAmbient(v *Verdict, from Caller, req Request) {
	var out []Lead
	for _, l := range v.Leads {
		to := m.find(l.Namespace, l.Name)
		port, ok := Port{}, to != nil
		if ok {
			l.Port = cmp.Or(l.Port, firstPort(to))
			port, ok = to.port(l.Port)
		}
		if l.Weight == 0 || !ok {
			if !ok {
				v.Steps = append(v.Steps, Step{Layer: Route, At: l.Namespace + "/" + l.Name, Effect: Refuse, Why: fmt.Sprintf("there is no such Service with port %d", l.Port)})
			}
			out = append(out, l)
			continue
		}
		ends := m.reachAmbient(v, from, to, port, req)
		if len(v.Leads) > 1 && len(ends) > 1 {
			v.Steps = append(v.Steps, Step{Layer: Route, At: l.Namespace + "/" + l.Name, Effect: Refuse, Why: "shared out at the gateway, and again at the waypoint"})
		}
		if len(ends) == 1 {
			ends[0].Weight = l.Weight
		}
		out = append(out, ends...)
	}
	v.Leads = out
}

func firstPort(w *Workload) uint16 {
	if len(w.Ports) == 1 {
		return w.Ports[0].Port
	}
	return 0
}

// probePolicy is the one CiliumClusterwideNetworkPolicy that is understood: it lets in what has the address that the
// node agent gives to a node's own processes, and makes nothing stricter. Kubelets get through whatever policies say, so
// that it changes no answer.
type probePolicy struct {
	EnableDefaultDeny struct {
		Egress  *bool `json:"egress"`
		Ingress *bool `json:"ingress"`
	} `json:"enableDefaultDeny"`
	EndpointSelector struct{} `json:"endpointSelector"`
	Ingress          []struct {
		FromCIDR []netip.Prefix `json:"fromCIDR"`
	} `json:"ingress"`
}

var probeSources = []netip.Prefix{netip.MustParsePrefix("169.254.7.127/32"), netip.MustParsePrefix("fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128")}

func probesOnly(h head) error {
	var p probePolicy
	if err := unmarshal(h.Spec, &p, true); err != nil {
		return err
	}
	off := func(b *bool) bool { return b != nil && !*b }
	if !off(p.EnableDefaultDeny.Egress) || !off(p.EnableDefaultDeny.Ingress) {
		return errors.New("a policy of Cilium that refuses by default is not understood")
	}
	for _, r := range p.Ingress {
		for _, c := range r.FromCIDR {
			if !slices.Contains(probeSources, c) {
				return fmt.Errorf("a policy of Cilium that admits %s is not understood", c)
			}
		}
		if len(r.FromCIDR) == 0 {
			return errors.New("a policy of Cilium that admits everybody is not understood")
		}
	}
	return nil
}
