package lower

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// Labels by which Cilium knows pods beside their own, and identities that it gives to others. Sources: cilium/cilium
// v1.20.2 pkg/k8s/apis/cilium.io/const.go and pkg/labels/labels.go, read 2026-11-21.
const (
	podNamespace   = "k8s:io.kubernetes.pod.namespace"
	podAccount     = "k8s:io.cilium.k8s.policy.serviceaccount"
	entityWorld    = "world"          // whoever is outside the cluster
	entityIngress  = "ingress"        // every gateway, wherever its proxy
	entityHost     = "host"           // the pod's own node: its kubelet
	entityNodes    = "remote-node"    // every other node
	entityAPI      = "kube-apiserver" // wherever it runs
	clientsOfGates = "gateway-clients"
)

// ciliumPolicies decides the policies of the pod network's mesh. They are all there is: NetworkPolicies say no more than
// that nothing is open, because a port that one of them admitted would be open for every request.
func (l *lowering) ciliumPolicies() {
	if !l.ciliumMeshed() {
		return
	}
	kind := l.p.Mesh.From.Of("kind")
	l.p.CiliumMesh = &ir.CiliumMesh{From: kind}
	if slices.ContainsFunc(l.p.Gateways, func(g ir.Gateway) bool { return !l.p.CrossesSites(&g) }) {
		l.p.CiliumMesh.Clients = ir.CiliumClients{Name: clientsOfGates, From: append(slices.Clone(kind), "gateways")}
	}
	for i := range l.p.Namespaces {
		n := &l.p.Namespaces[i]
		if n.Purpose != "services" {
			continue
		}
		l.addCilium(l.ciliumPlatform(n))
		for j := range l.p.Services {
			if s := &l.p.Services[j]; s.Namespace == n.Name && s.Workload != ir.Machine {
				l.addCilium(l.ciliumService(s))
			}
		}
	}
	for i := range l.p.Services {
		l.serviceRoutes(&l.p.Services[i])
	}
	l.exports()
	l.ciliumGlass()
	if c := l.p.Cilium; c != nil && c.Settings != nil {
		c.Settings.Listeners = len(l.p.CiliumMesh.Proxied) > 0 && !c.Settings.Gateways
	}
}

// addCilium adds a policy that opens something.
func (l *lowering) addCilium(p ir.CiliumPolicy) {
	if len(p.Ingress)+len(p.Egress) == 0 {
		return
	}
	l.p.CiliumMesh.Policies = append(l.p.CiliumMesh.Policies, p)
}

// ciliumPlatform is what every pod needs: names, and the API servers.
func (l *lowering) ciliumPlatform(n *ir.Namespace) ir.CiliumPolicy {
	c := &l.p.Cluster
	names := ir.CiliumRule{
		Reason: "names",
		Labels: []ir.KV{{Key: podNamespace, Value: "kube-system"}, {Key: "k8s:k8s-app", Value: "kube-dns"}},
		Ports:  []ir.CiliumPort{{Number: 53, Protocol: "UDP"}, {Number: 53, Protocol: "TCP"}},
	}
	from := append(ir.From{}, n.From...)
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		if len(x.Addresses) > 0 {
			continue
		}
		for _, u := range x.Users {
			if u.Namespace == n.Name {
				names.DNS = true
				names.From = append(append(names.From, u.From...), x.From...)
				from = append(append(from, u.From...), x.From...)
			}
		}
	}
	api := ir.CiliumRule{Reason: "API servers", Entity: entityAPI, From: c.APIServerFrom}
	for _, a := range c.APIServers {
		if p := (ir.CiliumPort{Number: a.Port(), Protocol: "TCP"}); !slices.Contains(api.Ports, p) {
			api.Ports = append(api.Ports, p)
		}
	}
	p := ir.CiliumPolicy{Namespace: n.Name, Name: "platform", Egress: []ir.CiliumRule{names, api}, From: append(from, c.APIServerFrom...)}
	if m := l.p.Mesh; !m.RegistryOnly && n.Meshed {
		p.Egress = append(p.Egress, ir.CiliumRule{Reason: "whatever is outside", Entity: entityWorld, From: m.From.Of("egressPolicy")})
		p.From = append(p.From, m.From.Of("egressPolicy")...)
	}
	return p
}

// ciliumService admits the callers of a service, and the service to what it calls.
func (l *lowering) ciliumService(s *ir.Service) ir.CiliumPolicy {
	p := ir.CiliumPolicy{Namespace: s.Namespace, Name: "service-" + s.Name, Selector: s.Labels, From: s.EdgesFrom}
	for _, c := range s.Callers {
		if g := l.p.Gateway(c.Name); c.Kind == "gateway" && g.Streams() {
			p.Ingress = append(p.Ingress, ciliumClients(g, c))
			p.From = append(p.From[:len(p.From):len(p.From)], g.From.Of("sourceRanges")...)
			continue
		}
		if c.Tunnel {
			p.Ingress = append(p.Ingress, ztunnelRule("from "+c.Kind+" "+c.Namespace+"/"+c.Name, podLabels(c.Namespace, c.ServiceAccount, c.Labels), c.Ports, c.From))
			continue
		}
		p.Ingress = append(p.Ingress, l.proved(s, c, ciliumCaller(c, s.Meshed))...)
	}
	for _, e := range l.p.ExposuresOf(s) {
		p.Ingress = append(p.Ingress, l.ciliumExposed(e)...)
		p.From = append(p.From[:len(p.From):len(p.From)], e.From...)
	}
	for _, c := range s.Peers {
		p.Ingress = append(p.Ingress, l.clusterMeshCaller(s, c)...)
	}
	if h := s.Health; h != nil {
		p.Ingress = append(p.Ingress, ir.CiliumRule{Reason: "kubelets probe GET " + h.Path, Entity: entityHost,
			Ports: []ir.CiliumPort{{Number: h.Port, Protocol: "TCP"}}, From: h.From})
	}
	for _, c := range s.Callees {
		if len(c.Addresses) > 0 {
			p.Egress = append(p.Egress, l.ciliumMachine(s, c)...)
			continue
		}
		if c.Tunnel {
			p.Egress = append(p.Egress, ztunnelRule("to service "+c.Namespace+"/"+c.Name, podLabels(c.Namespace, "", c.Labels), c.Ports, c.From))
			continue
		}
		if ports := ciliumPorts(c.Ports); len(ports) > 0 {
			p.Egress = append(p.Egress, ir.CiliumRule{Reason: "to service " + c.Namespace + "/" + c.Name,
				Labels: podLabels(c.Namespace, "", c.Labels), Ports: ports, From: c.From})
		}
	}
	for _, a := range s.Away {
		p.Egress = append(p.Egress, clusterMeshCallee(a))
	}
	for i := range l.p.Externals {
		if x := &l.p.Externals[i]; slices.Contains(s.Externals, x.Name) {
			r := ir.CiliumRule{Reason: "to external " + x.Name, Ports: ciliumPorts(x.Ports), Networks: x.Addresses, From: x.From}
			if len(x.Addresses) == 0 {
				r.Names = x.Hosts
			}
			p.Egress = append(p.Egress, r)
			p.From = append(p.From, x.From...)
		}
	}
	return p
}

// ciliumClients admits the clients of a gateway of streams: no proxy is on the way, and they come with their own addresses
// (operator/pkg/model/translation/gateway-api/endpointslices.go of v1.20.2: its Service has the pods themselves).
func ciliumClients(g *ir.Gateway, c ir.Caller) ir.CiliumRule {
	r := ir.CiliumRule{Reason: "clients of gateway " + g.Name + ", past every proxy", Ports: ciliumPorts(c.Ports), From: append(c.From[:len(c.From):len(c.From)], g.From.Of("sourceRanges")...)}
	if r.Networks = g.SourceRanges; len(r.Networks) == 0 {
		r.Entity = entityWorld
	}
	return r
}

// podLabels are those by which pods of a service are known. "" for the account: of any.
func podLabels(namespace, account string, labels []ir.KV) []ir.KV {
	out := []ir.KV{{Key: podNamespace, Value: namespace}}
	if account != "" {
		out = append(out, ir.KV{Key: podAccount, Value: account})
	}
	for _, kv := range labels {
		out = append(out, ir.KV{Key: "k8s:" + kv.Key, Value: kv.Value})
	}
	return out
}

// ciliumMachine admits a service to machines outside the cluster, where the policy of the caller is all that holds: what it
// may ask for stands there.
func (l *lowering) ciliumMachine(s *ir.Service, callee ir.Callee) []ir.CiliumRule {
	var out []ir.CiliumRule
	for _, c := range l.find(callee.Namespace + "/" + callee.Name).Callers {
		if c.Kind == "gateway" || c.Namespace != s.Namespace || c.Name != s.Name {
			continue
		}
		for _, r := range ciliumCaller(c, s.Meshed) {
			r.Reason, r.Labels, r.Networks = "to machines "+callee.Namespace+"/"+callee.Name, nil, ir.Blocks(callee.Addresses)
			r.From = slices.Concat(r.From, callee.From)
			out = append(out, r)
		}
	}
	return out
}

// ciliumCaller admits one caller: on ports of requests to those that it may make, on others to the port as a whole. Without
// a proxy in the way nobody sees requests.
func ciliumCaller(c ir.Caller, proxy bool) []ir.CiliumRule {
	base := ir.CiliumRule{Reason: "from " + c.Kind + " " + c.Namespace + "/" + c.Name, From: c.From}
	switch {
	case c.Kind == "gateway":
		base.Entity = entityIngress
		base.Reason += ", which has the identity of all gateways"
	case len(c.Addresses) > 0:
		base.Networks = ir.Blocks(c.Addresses)
		base.Reason += ", machines that are known by their addresses"
	default:
		base.Labels = podLabels(c.Namespace, c.ServiceAccount, c.Labels)
	}
	var requests, streams []ir.Port
	for _, p := range c.Ports {
		if proxy && ir.IsHTTP(p.Protocol) {
			requests = append(requests, p)
		} else {
			streams = append(streams, p)
		}
	}
	var out []ir.CiliumRule
	if held := ciliumRequests(c); len(held) == 0 {
		streams = c.Ports
	} else if len(requests) > 0 {
		r := base
		r.Ports, r.HTTP = ciliumPorts(requests), held
		out = append(out, r)
	}
	if len(c.Methods) > 0 && proxy && len(requests) != len(c.Ports) {
		streams = nil // nothing of a stream is a request
	}
	if len(streams) > 0 {
		r := base
		r.Ports = ciliumPorts(streams)
		out = append(out, r)
	}
	return out
}

// ciliumRequests lists what a caller may ask for; nil: anything. The proxy holds an expression against a whole method,
// host or path, and a path has its query.
func ciliumRequests(c ir.Caller) []ir.CiliumRequest {
	if len(c.Methods)+len(c.Paths) == 0 && !slices.ContainsFunc(c.Hosts, func(h string) bool { return h != "" }) {
		return nil
	}
	methods, paths, hosts := c.Methods, c.Paths, c.Hosts
	if len(methods) == 0 {
		methods = []string{""}
	}
	if len(paths) == 0 {
		paths = []ir.Path{{}}
	}
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var out []ir.CiliumRequest
	for _, host := range hosts {
		for _, path := range paths {
			for _, method := range methods {
				out = append(out, ir.CiliumRequest{Method: method, Path: pathExpression(path), Host: hostExpression(host)})
			}
		}
	}
	return out
}

func pathExpression(p ir.Path) string {
	const query = `(\?.*)?`
	switch {
	case p.Value == "" || p.Value == "/" && !p.Exact:
		return ""
	case p.Exact:
		return regexp.QuoteMeta(p.Value) + query
	}
	return regexp.QuoteMeta(strings.TrimSuffix(p.Value, "/")) + `(/[^?]*)?` + query
}

// hostExpression takes the name with a port and without; "*" stands for one label or more.
func hostExpression(host string) string {
	if host == "" {
		return ""
	}
	rest, wild := strings.CutPrefix(host, "*")
	text := regexp.QuoteMeta(rest)
	if wild {
		text = `[^:]+` + text
	}
	return text + `(:[0-9]+)?`
}

func ciliumPorts(ports []ir.Port) []ir.CiliumPort {
	var out []ir.CiliumPort
	for _, p := range ports {
		x := ir.CiliumPort{Number: p.TargetPort, Protocol: "TCP"}
		if p.Protocol == "udp" {
			x.Protocol = "UDP"
		}
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// serviceRoutes are the shares and the timeout of requests to a service. They stand in its namespace and hold for every
// caller of its address; clients of a headless Service dial pods.
func (l *lowering) serviceRoutes(s *ir.Service) {
	if !s.Meshed && (s.Workload != ir.Machine || !l.s.Namespaces[s.Namespace].Mesh) || s.Headless {
		return
	}
	if l.proxied(s) || s.Timeout == nil && len(s.Split) == 0 {
		return
	}
	for _, port := range s.Ports {
		if !ir.IsHTTP(port.Protocol) {
			continue
		}
		r := ir.ServiceRoute{Namespace: s.Namespace, Name: s.Name + "-" + strconv.Itoa(int(port.Port)) + "-calls", Service: s.Name, Port: port.Port,
			Backends: s.Split, From: append(slices.Clone(s.From), port.From...)}
		for _, w := range s.Split {
			r.From = append(r.From, w.From...)
		}
		if len(r.Backends) == 0 {
			r.Backends = []ir.Weighted{{Namespace: s.Namespace, Name: s.Name}}
		}
		if s.Timeout != nil {
			r.Timeout = s.Timeout.Text
			r.From = append(r.From, s.Timeout.From...)
		}
		l.p.CiliumMesh.Routes = append(l.p.CiliumMesh.Routes, r)
	}
}
