package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// consulWayOut is the terminating gateway, and the first part of the name of those of the site's egress gateways. Its
// controller finds the role of a gateway by the end of the role's name (hashicorp/consul-k8s v2.0.3
// control-plane/controllers/configentries/terminatinggateway_controller.go updateACls, read 2026-11-21): no name may be the
// end of another.
const consulWayOut = "terminating-gateway"

// consulWayPort is where its pods listen, and consulWayReplicas how many there are: one may be drained
// (charts/consul/templates/terminating-gateways-deployment.yaml, read 2026-11-21).
const (
	consulWayPort     = 8443
	consulWayReplicas = 2
)

// consulClosed reports whether Consul's proxies refuse what the site does not declare.
func (l *lowering) consulClosed() bool {
	return l.s.Mesh.Kind == "consul" && l.s.Mesh.EgressPolicy == "registry-only"
}

// ConsulWayName is what the terminating gateway of a site is called that leads to one of its egress gateways, "" for none.
func ConsulWayName(s *site.Site, via string) string {
	if via == "" {
		return consulOwn(s, consulWayOut)
	}
	return consulOwn(s, consulWayOut+"-"+via)
}

// ConsulWayPods is what the pods of that terminating gateway are called, and known by.
func ConsulWayPods(s *site.Site, via string) string { return consulName + "-" + ConsulWayName(s, via) }

// ConsulDestination is what Consul calls a port of a site's destination outside.
func ConsulDestination(s *site.Site, external, port string) string {
	return consulOwn(s, external+"-"+port)
}

// consulOwn is a name for something of one site alone. Datacenters of a federation have one list of entries, policies and
// roles: what two of them have of one name they write over each other (hashicorp/consul-k8s v2.0.3
// control-plane/controllers/configentries/terminatinggateway_controller.go ensureTerminatingGatewayACLBootstrap, whose policy
// holds in one datacenter; read 2026-11-22).
func consulOwn(s *site.Site, name string) string {
	if consulIsWAN(s) {
		return name + "-" + s.Name
	}
	return name
}

// consulOwnFrom is behind such a name.
func (l *lowering) consulOwnFrom() ir.From {
	if consulIsWAN(l.s) {
		return ir.From{"federation.consul", "name"}
	}
	return nil
}

// consulPassage is the pods that lead out of the mesh; nil where proxies let out by themselves what is no service.
func (l *lowering) consulPassage(via string) *ir.Passage {
	if !l.consulClosed() {
		return nil
	}
	return l.consulPods(via)
}

func (l *lowering) consulPods(via string) *ir.Passage {
	name := ConsulWayPods(l.s, via)
	return &ir.Passage{Namespace: l.p.Mesh.Namespace, Name: name, Port: consulWayPort,
		Selector: []ir.KV{{Key: "component", Value: "terminating-gateway"}, {Key: "terminating-gateway-name", Value: name}}}
}

// consulWays decides the ways out: one for what leaves from any node, one for each egress gateway in use.
func (l *lowering) consulWays() {
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		if x.Through == nil {
			continue
		}
		for _, port := range x.Ports {
			if port.Protocol == "udp" {
				continue // past the proxies
			}
			via := l.s.External[x.Name].Via
			d := ir.ConsulDestination{Name: ConsulDestination(l.s, x.Name, port.Name), External: x.Name, Port: port.Port, Protocol: consulStream(port.Protocol),
				Addresses: consulAddresses(l.s.External[x.Name], port.Protocol), From: slices.Concat(x.From, port.From, l.consulOwnFrom())}
			if l.s.EgressGateways[via] != nil && len(l.s.External[x.Name].Addresses) > 0 {
				// The gateway would look a name up and connect to whatever it finds, and who gives it a source address knows addresses.
				d.Protocol, d.Addresses = "tcp", l.s.External[x.Name].Addresses
			}
			for _, u := range x.Users {
				if s := l.find(u.Namespace + "/" + u.Name); s.Meshed {
					d.Callers = append(d.Callers, ir.ConsulCaller{Name: u.Name, From: u.From})
				}
			}
			if len(d.Callers) == 0 {
				continue
			}
			slices.SortFunc(d.Callers, func(a, b ir.ConsulCaller) int { return cmp.Compare(a.Name, b.Name) })
			for _, c := range d.Callers {
				d.From = append(d.From, c.From...)
			}
			w := l.consulWay(via)
			w.Destinations, w.From = append(w.Destinations, d), append(w.From, d.From...)
			if len(w.Sources) > 0 && x.Via == "" {
				x.Via = via
				for _, s := range w.Sources {
					x.Sources, x.SourcesFrom = append(x.Sources, s.Address), append(x.SourcesFrom, s.From...)
				}
				x.SourcesFrom = append(x.SourcesFrom, site.Join("external", x.Name, "via"))
			}
		}
	}
	for i := range l.p.Services {
		if s := &l.p.Services[i]; s.Workload == ir.Machine {
			m := ir.ConsulMachine{Namespace: s.Namespace, Name: s.Name, Addresses: s.Addresses, Callers: s.Callers, From: s.EdgesFrom}
			for _, p := range s.Ports {
				m.Port, m.From = p.TargetPort, append(slices.Clone(m.From), p.From...)
			}
			w := l.consulWay("")
			w.Machines, w.From = append(w.Machines, m), append(w.From, m.From...)
		}
	}
	for i := range l.p.Consul.Ways {
		w := &l.p.Consul.Ways[i]
		slices.SortFunc(w.Destinations, func(a, b ir.ConsulDestination) int { return cmp.Compare(a.Name, b.Name) })
		var to []rewritten
		for _, d := range w.Destinations {
			for _, a := range d.Addresses {
				if len(w.Sources) > 0 {
					to = append(to, rewritten{addr(a), d.From})
				}
			}
		}
		l.sourceNAT(w.Via, w.Sources, to, w.From)
	}
	slices.SortFunc(l.p.Consul.Ways, func(a, b ir.ConsulWay) int { return cmp.Compare(a.Service, b.Service) })
}

// consulWay returns the one that leads to an egress gateway, made at first use.
func (l *lowering) consulWay(via string) *ir.ConsulWay {
	k := l.p.Consul
	name := ConsulWayName(l.s, via)
	if i := slices.IndexFunc(k.Ways, func(w ir.ConsulWay) bool { return w.Service == name }); i >= 0 {
		return &k.Ways[i]
	}
	w := ir.ConsulWay{Passage: *l.consulPods(via), Service: name, Via: via, Replicas: consulWayReplicas, SpreadKey: rackLabel, Resources: l.gatewayResources(),
		ByController: k.WAN != nil && k.WAN.Secondary, From: append(under("mesh", "kind", "egressPolicy"), l.consulOwnFrom()...)}
	if g := l.s.EgressGateways[via]; g != nil {
		w.Class, w.Tolerations = g.Placement.Class, taints(l.s.NodeClasses[g.Placement.Class].Taints)
		w.From = append(w.From, site.Join("egressGateways", via), site.Join("nodeClasses", w.Class, "taints"))
		if w.Sources = l.egressSources(via, g); len(w.Sources) > 0 {
			w.Replicas, w.From = len(nodesOf(w.Sources)), append(w.From, "racks") // one on each machine, as long as each is up
		}
	}
	k.Ways = append(k.Ways, w)
	return &k.Ways[len(k.Ways)-1]
}

// consulStream is what Consul calls a protocol: what is encrypted is a stream, to it.
func consulStream(protocol string) string {
	switch protocol {
	case "http", "grpc":
		return protocol
	}
	return "tcp"
}

// consulAddresses is by what a proxy knows that a destination is meant: names in what carries them, in the first packet of
// TLS or in a request; addresses where there are none (hashicorp/consul agent/xds/listeners.go, filter chains of
// destinations, read 2026-11-21).
func consulAddresses(e *site.External, protocol string) []string {
	if len(e.Hosts) > 0 && protocol != "tcp" {
		return e.Hosts
	}
	return e.Addresses
}

// leaving is who sends packets to a destination: the services that declare it, or the pods of the mesh that it is reached
// through. What is outside the mesh sends by itself, and so does everybody by UDP.
func (l *lowering) leaving(x *ir.External) []ir.ExternalUser {
	if x.Through == nil {
		return x.Users
	}
	var out []ir.ExternalUser
	through := ir.ExternalUser{Namespace: x.Through.Namespace, Name: x.Through.Name, Labels: x.Through.Selector, From: under("mesh", "kind", "egressPolicy")}
	past := slices.ContainsFunc(x.Ports, func(p ir.Port) bool { return p.Protocol == "udp" })
	handed := false
	for _, u := range x.Users {
		meshed := l.find(u.Namespace + "/" + u.Name).Meshed
		if meshed {
			handed, through.From = true, append(through.From, u.From...)
		}
		if past || !meshed {
			out = append(out, u)
		}
	}
	if handed && slices.ContainsFunc(x.Ports, func(p ir.Port) bool { return p.Protocol != "udp" }) {
		out = append(out, through)
	}
	return out
}

// consulWayFlows: proxies to the pods that lead out.
func (l *lowering) consulWayFlows() {
	if l.p.Consul == nil {
		return
	}
	for i := range l.p.Consul.Ways {
		w := &l.p.Consul.Ways[i]
		var callers []string
		for _, d := range w.Destinations {
			for _, c := range d.Callers {
				if !slices.Contains(callers, c.Name) {
					callers = append(callers, c.Name)
					l.flow(ir.Flow{Area: ir.PodArea, From: l.pods("service " + c.Name), To: l.pods("way out " + w.Passage.Name), Protocol: "tcp", Port: w.Passage.Port, Why: "egress",
						Note: "encrypted"}, ir.From{"namespaces", "external", "mesh", "kubernetes"}, c.From)
				}
			}
		}
	}
}

// consulWayWaits: pods that the chart makes are waited for with it; those that the controller makes follow their objects. It says
// that it has made them by the reason of a condition that is true before (hashicorp/consul-k8s v2.0.3 control-plane/controllers/
// configentries/terminatinggateway_controller.go Reconcile, read 2026-11-22).
func (l *lowering) consulWayWaits() []ir.Wait {
	if l.p.Consul == nil {
		return nil
	}
	var out []ir.Wait
	for i := range l.p.Consul.Ways {
		if w := &l.p.Consul.Ways[i]; w.ByController {
			ns := w.Passage.Namespace
			out = append(out, ir.Wait{Namespace: ns, Object: "terminatinggateway." + consulGroup + "/" + w.Service, For: `jsonpath={.status.conditions[?(@.type=="Synced")].reason}=DeploymentReady`, From: w.From},
				ir.Wait{Namespace: ns, Object: "deployment.apps/" + w.Passage.Name, For: "condition=Available", From: w.From})
		}
	}
	return out
}

// consulWayAlerts watch the pods that lead out.
func (l *lowering) consulWayAlerts() []ir.Rule {
	var out []ir.Rule
	for i := range l.p.Consul.Ways {
		w := &l.p.Consul.Ways[i]
		out = append(out, replicas("MeshWayOut", "the way out of the mesh", w.Passage.Namespace, w.Passage.Name, w.Replicas, []ir.KV{{Key: "gateway", Value: w.Service}}, w.From,
			"Without any, no service of the mesh reaches a destination outside by it.")...)
	}
	return out
}

// closedFrom is added to what depends on who sends to the outside; nothing with a mesh in which that is always the service.
func (l *lowering) closedFrom() ir.From {
	if l.s.Mesh.Kind == "consul" {
		return ir.From{"mesh.egressPolicy"}
	}
	return nil
}

// machinePassage is what the callers of machines outside the cluster reach them through; nil: nothing, or they are pods.
func (l *lowering) machinePassage(s *ir.Service) *ir.Passage {
	if l.s.Mesh.Kind != "consul" || s.Workload != ir.Machine {
		return nil
	}
	return l.consulPods("")
}
