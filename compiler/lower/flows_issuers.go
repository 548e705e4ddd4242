package lower

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"

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
		for _, p := range c.Ports {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: ir.FlowEnd{Name: "machines " + s.Namespace + "/" + s.Name, Addresses: ir.Blocks(s.Addresses)},
				Protocol: portProtocol(p), Port: p.TargetPort, Why: c.Why, Note: "leaves with the address of the pod's node"},
				slices.Concat(ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, machinesFrom), c.From, p.From)
		}
	}
}

// issuerFlows: the control plane to the issuers of tokens, whose keys it hands to the proxies. The registry of the mesh
// does not bind it, and its own NetworkPolicy lets everything out (istio-discovery chart, networkpolicy.yaml).
func (l *lowering) issuerFlows() {
	if !l.istio() {
		return
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if s.JWT == nil || !s.Meshed {
			continue
		}
		u, err := url.Parse(s.JWT.Issuer)
		if err != nil || u.Hostname() == "" {
			continue
		}
		port := uint64(443)
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
			port = n
		}
		source := l.allNodes()
		source.Name, source.Nodes = "control plane of the mesh", nil
		to := ir.FlowEnd{Name: "issuer of tokens " + u.Hostname()}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			to.Addresses = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
		} else {
			to.Hosts = []string{u.Hostname()}
		}
		l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: to, Protocol: "tcp", Port: uint16(port), Why: "keys that tokens are checked with",
			Note: "leaves with the address of the pod's node"},
			slices.Concat(ir.From{"namespaces", "mesh.kind"}, machinesFrom), s.JWT.From)
	}
}
