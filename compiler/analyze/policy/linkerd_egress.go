package policy

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// egressNetwork is a policy.linkerd.io EgressNetwork: addresses outside the cluster, and what becomes of connections to them
// that no route of it takes.
type egressNetwork struct {
	meta
	spec struct {
		Networks      []egressBlock `json:"networks"` // all that is not the cluster's when not given
		TrafficPolicy string        `json:"trafficPolicy"`
	}
}

type egressBlock struct {
	CIDR   netip.Prefix   `json:"cidr"`
	Except []netip.Prefix `json:"except"`
}

// egressRoute is a route with EgressNetworks as parents.
type egressRoute struct {
	httpRoute
	attached []parentRef // the EgressNetworks, each with namespace and port
}

// linkerdOutside is what decides about connections that leave the cluster at the caller's proxy. It follows the policy
// controller of edge-26.6.3 (policy-controller/k8s/index/src/outbound, policy-controller/grpc/src/outbound and
// policy-controller/k8s/status) and the proxy's matching (linkerd/tls/route, linkerd/http/route; read 2026-11-22).
type linkerdOutside struct {
	networks []egressNetwork
	routes   []egressRoute
	global   string         // namespace whose networks hold in namespaces without networks of their own
	cluster  []netip.Prefix // what is inside
	streams  []uint16       // ports of which no first bytes are read
	past     []uint16       // ports that never get to the proxy
	onlyIPv4 bool           // packets of IPv6 never do
}

// egressRouteKinds are in the order in which one keeps the others of a port of a network from being looked at.
var egressRouteKinds = []string{"GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"}

// readOutside reads what the values of the control plane's chart, and of the plug-in's where that redirects, say of the
// way out. Defaults are those of charts/linkerd-control-plane and charts/linkerd2-cni of edge-26.6.3.
func (l *Linkerd) readOutside(t *artifact.Tree, valuesPath string) error {
	type redirect struct {
		IgnoreOutboundPorts string `json:"ignoreOutboundPorts"`
		SkipSubnets         string `json:"skipSubnets"`
	}
	v := struct {
		ClusterNetworks string `json:"clusterNetworks"`
		DisableIPv6     bool   `json:"disableIPv6"`
		CNIEnabled      bool   `json:"cniEnabled"`
		Proxy           struct {
			OpaquePorts string `json:"opaquePorts"`
		} `json:"proxy"`
		ProxyInit redirect `json:"proxyInit"`
		Egress    struct {
			GlobalEgressNetworkNamespace string `json:"globalEgressNetworkNamespace"`
		} `json:"egress"`
	}{ClusterNetworks: "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8", DisableIPv6: true}
	v.Proxy.OpaquePorts, v.ProxyInit.IgnoreOutboundPorts = "25,587,3306,4444,5432,6379,9300,11211", "4567,4568"
	v.Egress.GlobalEgressNetworkNamespace = "linkerd-egress"
	if err := values(t, valuesPath, &v); err != nil {
		return err
	}
	if v.CNIEnabled {
		plugin := struct {
			redirect
			DisableIPv6 bool `json:"disableIPv6"`
		}{DisableIPv6: true}
		at := path.Join(path.Dir(path.Dir(valuesPath)), "linkerd2-cni/values.yaml")
		if t.Lookup(at) != nil {
			if err := values(t, at, &plugin); err != nil {
				return err
			}
		}
		v.ProxyInit, v.DisableIPv6 = plugin.redirect, plugin.DisableIPv6
	}
	if v.ProxyInit.SkipSubnets != "" {
		return fmt.Errorf("%s: subnets that proxies do not see are not understood", valuesPath)
	}
	o := &l.outside
	o.global, o.onlyIPv4 = v.Egress.GlobalEgressNetworkNamespace, v.DisableIPv6
	var err error
	for text := range strings.SplitSeq(v.ClusterNetworks, ",") {
		p, e := netip.ParsePrefix(strings.TrimSpace(text))
		err = errors.Join(err, e)
		o.cluster = append(o.cluster, p)
	}
	ports := func(list string) (out []uint16) {
		for text := range strings.SplitSeq(list, ",") {
			if text = strings.TrimSpace(text); text != "" {
				n, e := strconv.ParseUint(text, 10, 16) // ranges are not understood
				err = errors.Join(err, e)
				out = append(out, uint16(n))
			}
		}
		return out
	}
	o.streams, o.past = ports(v.Proxy.OpaquePorts), ports(v.ProxyInit.IgnoreOutboundPorts)
	if err != nil {
		return fmt.Errorf("%s: %w", valuesPath, err)
	}
	return nil
}

// network files an EgressNetwork.
func (o *linkerdOutside) network(at meta, h head) error {
	for key := range h.Metadata.Annotations {
		if strings.Contains(key, "linkerd.io/") {
			return fmt.Errorf("annotation %s is not understood", key)
		}
	}
	if err := add(&o.networks, egressNetwork{meta: at}, h, func(n *egressNetwork) any { return &n.spec }); err != nil {
		return err
	}
	n := &o.networks[len(o.networks)-1]
	if p := n.spec.TrafficPolicy; p != "Allow" && p != "Deny" {
		return fmt.Errorf("trafficPolicy %q is not understood", p)
	}
	// Of two for the same addresses the older one is looked at, and a tree does not say which that is.
	for i := range o.networks[:len(o.networks)-1] {
		other := &o.networks[i]
		if other.Namespace != n.Namespace {
			continue
		}
		if other.everything() && n.everything() || slices.ContainsFunc(n.spec.Networks, func(b egressBlock) bool {
			return slices.ContainsFunc(other.spec.Networks, func(c egressBlock) bool { return b.CIDR == c.CIDR })
		}) {
			return fmt.Errorf("EgressNetworks %s and %s of one namespace with the same addresses are not understood", other.Name, n.Name)
		}
	}
	return nil
}

func (n *egressNetwork) everything() bool { return n.spec.Networks == nil }

// route files a route, where one of its parents is an EgressNetwork.
func (o *linkerdOutside) route(at meta, h head) error {
	var parents struct {
		ParentRefs []parentRef `json:"parentRefs"`
	}
	if err := unmarshal(h.Spec, &parents, false); err != nil {
		return err
	}
	var attached []parentRef
	for _, p := range parents.ParentRefs {
		if p.Group != "policy.linkerd.io" || p.Kind != "EgressNetwork" {
			continue
		}
		if p.Namespace == "" {
			p.Namespace = at.Namespace
		}
		if p.Port != 0 { // without one it is attached to nothing
			attached = append(attached, p)
		}
	}
	if len(attached) == 0 {
		return nil
	}
	return add(&o.routes, egressRoute{httpRoute{meta: at}, attached}, h, func(r *egressRoute) any { return &r.spec })
}

// understood refuses what would change a request or lead it elsewhere than to where the client was going.
func (r *egressRoute) understood() error {
	streams := r.Kind == "TLSRoute" || r.Kind == "TCPRoute"
	if streams && len(r.spec.Rules) != 1 {
		return fmt.Errorf("%s with %d rules is not understood", r.Kind, len(r.spec.Rules))
	}
	for i := range r.spec.Rules {
		rule := &r.spec.Rules[i]
		if len(rule.Filters) > 0 {
			return errors.New("a filter on the way out is not understood")
		}
		if (streams || r.Kind == "GRPCRoute") && len(rule.Matches) > 0 {
			return fmt.Errorf("a match of a %s on the way out is not understood", r.Kind)
		}
		for _, m := range rule.Matches {
			if t := m.Path.Type; t != "" && t != "Exact" && t != "PathPrefix" {
				return fmt.Errorf("path type %s is not understood", t)
			}
		}
		for _, b := range rule.BackendRefs {
			if b.Group != "policy.linkerd.io" || b.Kind != "EgressNetwork" || b.Weight != nil {
				return errors.New("on the way out, a backend that is not an EgressNetwork alone is not understood")
			}
		}
	}
	return nil
}

// blocks are the addresses of a network.
func (o *linkerdOutside) blocks(n *egressNetwork) []egressBlock {
	if !n.everything() {
		return n.spec.Networks
	}
	four, six := egressBlock{CIDR: netip.MustParsePrefix("0.0.0.0/0")}, egressBlock{CIDR: netip.MustParsePrefix("::/0")}
	for _, p := range o.cluster {
		if p.Addr().Is4() {
			four.Except = append(four.Except, p)
		} else {
			six.Except = append(six.Except, p)
		}
	}
	return []egressBlock{four, six}
}

func (b egressBlock) contains(a netip.Addr) bool {
	return b.CIDR.Contains(a) && !slices.ContainsFunc(b.Except, func(x netip.Prefix) bool { return x.Contains(a) })
}

// size is how many hosts a block has; the smaller one is the more specific.
func (b egressBlock) size() *big.Int {
	n := hosts(b.CIDR)
	for _, x := range b.Except {
		n.Sub(n, hosts(x))
	}
	return n
}

func hosts(p netip.Prefix) *big.Int {
	bits := p.Addr().BitLen() - p.Bits()
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if p.Addr().Is4() && bits > 1 { // without the first and the last one
		n.Sub(n, big.NewInt(2))
	}
	return n
}

// understoodNamespace refuses what would lead connections of a namespace's pods past their proxies.
func understoodNamespace(h head) error {
	for _, key := range []string{"config.linkerd.io/skip-outbound-ports", "config.linkerd.io/skip-subnets"} {
		if h.Metadata.Annotations[key] != "" {
			return fmt.Errorf("annotation %s of namespace %s is not understood", key, h.Metadata.Name)
		}
	}
	if set := h.Metadata.Annotations[linkerdInject]; set != "" && set != "enabled" && set != "disabled" {
		return fmt.Errorf("%s %s of namespace %s is not understood", linkerdInject, set, h.Metadata.Name)
	}
	return nil
}
