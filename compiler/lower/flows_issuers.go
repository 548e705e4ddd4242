package lower

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// machineFlows: callers of a service that machines outside the cluster are. On the way out the pod network puts the address
// of the node in place of the pod's.
func (l *lowering) machineFlows(s *ir.Service) {
	if s.Identity != "" { // it has a proxy
		machine := ir.FlowEnd{Name: "machines " + s.Namespace + "/" + s.Name, Addresses: ir.Blocks(s.Addresses)}
		for _, port := range append([]uint16{l.p.Mesh.ProxyPorts.Control}, l.p.Mesh.ProxyPorts.Controls...) {
			if port != 0 {
				l.flow(ir.Flow{Area: ir.OutsideArea, From: machine, To: l.pods("control plane of the mesh"), Protocol: "tcp", Port: port, Why: "configuration and policy"},
					ir.From{"namespaces", "mesh", "kubernetes"}, s.From, l.p.Mesh.From.Of("kind"))
			}
		}
	}
	for _, c := range s.Callers {
		source := l.allNodes()
		source.Name, source.Nodes = c.Kind+" "+c.Namespace+"/"+c.Name, nil
		if c.Tunnel {
			source.Name = "waypoint of " + s.Namespace
			l.flow(ir.Flow{Area: ir.PodArea, From: l.pods(c.Kind + " " + c.Namespace + "/" + c.Name), To: l.pods(source.Name), Protocol: "tcp", Port: l.p.Mesh.ProxyPorts.Tunnel, Why: c.Why,
				Note: "HBONE: all TCP of the mesh, encrypted"}, ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, c.From)
		}
		if w := l.machinePassage(s); w != nil {
			l.flow(ir.Flow{Area: ir.PodArea, From: l.pods(source.Name), To: l.pods("way out " + w.Name), Protocol: "tcp", Port: w.Port, Why: c.Why,
				Note: "encrypted"}, ir.From{"namespaces", "mesh", "kubernetes"}, c.From)
			source.Name = "way out " + w.Name
		}
		to := ir.FlowEnd{Name: "machines " + s.Namespace + "/" + s.Name, Addresses: ir.Blocks(s.Addresses)}
		reads := slices.Concat(ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, machinesFrom)
		if n := l.p.Mesh.ProxyPorts.Streams; n != 0 && s.Identity != "" && slices.ContainsFunc(c.Ports, func(p ir.Port) bool { return p.Protocol == "tcp" }) {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: to, Protocol: "tcp", Port: n, Why: c.Why, Note: "streams of the mesh, encrypted; leaves with the address of the pod's node"}, reads, c.From)
		}
		for _, p := range c.Ports {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: to,
				Protocol: portProtocol(p), Port: p.TargetPort, Why: c.Why, Note: "leaves with the address of the pod's node"},
				reads, c.From, p.From)
		}
	}
}

// KeysServer is the host and the port of an address that keys are fetched from, which is of https; ok is false for what is
// no such address.
func KeysServer(uri string) (host string, port uint16, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return "", 0, false
	}
	if u.Port() == "" {
		return u.Hostname(), 443, true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Hostname(), uint16(n), err == nil && n > 0
}

// keysAt is where an issuer's keys are fetched, as a destination outside; nil: nowhere.
func keysAt(uri string, from ir.From) *ir.External {
	host, port, ok := KeysServer(uri)
	if !ok {
		return nil
	}
	x := &ir.External{Name: "keys of tokens " + host, Ports: []ir.Port{{Name: "https", Port: port, TargetPort: port, Protocol: "https", From: from}}, From: from}
	if a, err := netip.ParseAddr(host); err == nil {
		x.Addresses = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	} else {
		x.Hosts = []string{host}
	}
	return x
}

// issuerFlows: whoever fetches the keys of tokens, to where they are. Under Istio that is the control plane, which asks the
// issuer where nothing else is said: the registry of the mesh does not bind it, and its own NetworkPolicy lets everything
// out (istio-discovery chart, networkpolicy.yaml). Under Consul it is the proxy of the service, by itself.
func (l *lowering) issuerFlows() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if s.JWT == nil || !s.Meshed {
			continue
		}
		source := l.allNodes()
		source.Name, source.Nodes = "control plane of the mesh", nil
		x := s.JWT.Keys
		switch {
		case x != nil:
			source.Name = "service " + s.Namespace + "/" + s.Name
		case l.istio():
			x = keysAt(cmp.Or(s.JWT.KeysURI, s.JWT.Issuer), s.JWT.From)
		}
		if x == nil {
			continue
		}
		host := strings.Join(x.Hosts, "")
		if host == "" {
			host = x.Addresses[0].Addr().String()
		}
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "issuer of tokens " + host, Hosts: x.Hosts, Addresses: x.Addresses},
			Protocol: "tcp", Port: x.Ports[0].Port, Why: "keys that tokens are checked with", Note: "leaves with the address of the pod's node"},
			slices.Concat(ir.From{"namespaces", "mesh.kind"}, machinesFrom), s.JWT.From)
	}
}
