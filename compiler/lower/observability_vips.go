package lower

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// vipRules watch the way from a virtual address to its gateway's pods.
func (l *lowering) vipRules() {
	var rules []ir.Rule
	if l.p.LoadBalancer.Kind == "metallb" {
		rules = append(rules, ir.Rule{Alert: "LoadBalancerConfigurationRejected", Severity: critical, For: "5m", From: l.p.LoadBalancer.From,
			Expr:        rejected(l.p.LoadBalancer.Backend),
			Summary:     "{{ $labels.pod }} runs on an old configuration, because it rejects the newest.",
			Description: "One faulty pool, peer or missing password Secret holds back the whole configuration. Its log names the object."})
	}
	for i := range l.p.Gateways {
		rules = append(rules, l.gatewayRules(&l.p.Gateways[i])...)
	}
	for i := range l.p.Exposures {
		rules = append(rules, l.exposureRules(&l.p.Exposures[i])...)
	}
	l.ruleGroup("vip-path", runbookVIP, rules...)
}

func rejected(backend string) string {
	expr := "metallb_k8s_client_config_stale_bool == 1"
	if backend == "frr-k8s" {
		expr += " or frrk8s_k8s_client_config_stale_bool == 1"
	}
	return expr
}

// exposureRules watch an address that no gateway serves.
func (l *lowering) exposureRules(e *ir.Exposure) []ir.Rule {
	labels := []ir.KV{{Key: "exposure", Value: e.Exposure}}
	if len(e.NodePorts) > 0 { // to which balancers outside lead: such a Service has no address of its own
		return nil
	}
	out := []ir.Rule{pending(fmt.Sprintf("Exposure %s", e.Exposure), e.Namespace, e.Name, strings.Join(ir.Addrs(e.VIPs), ","), e.Pool, labels, e.From)}
	if p := l.pool(e.Pool); p.Protocol != "" && l.p.LoadBalancer.Kind == "metallb" {
		for _, a := range e.VIPs {
			out = append(out, announcedRules(addressOwner{"exposure", e.Exposure, e.Local, e.From}, p, a)...)
		}
	}
	return out
}

// pending fires when a Service has no address.
func pending(what, namespace, service, addresses, pool string, labels []ir.KV, from ir.From) ir.Rule {
	return ir.Rule{
		Alert: "LoadBalancerPending", Severity: critical, For: "5m", Labels: labels, From: from,
		Expr: fmt.Sprintf(`kube_service_spec_type{type="LoadBalancer",namespace="%s",service="%s"} unless on (namespace, service) kube_service_status_load_balancer_ingress`,
			namespace, service),
		Summary:     what + " has no address.",
		Description: fmt.Sprintf("Service %s/%s asks for %s from pool %s and has none.", namespace, service, addresses, pool),
	}
}

// addressOwner is a gateway or an exposure, as alerts on its addresses name it.
type addressOwner struct {
	kind, name string
	local      bool
	from       ir.From
}

func (l *lowering) gatewayRules(g *ir.Gateway) []ir.Rule {
	labels := []ir.KV{{Key: "gateway", Value: g.Name}}
	placement := slices.Concat(g.From, ir.From{site.Join("pools", g.Pool, "announce"), site.Join("gateways", g.Name, "replicas"), "racks"})
	var out []ir.Rule
	if !g.NodePorts { // to which balancers outside lead: such a Service has no address of its own
		out = append(out, pending("Gateway "+g.Name, g.Namespace, g.ServiceName(), joinAddrs(*g), g.Pool, labels, g.From))
	}
	if p := l.pool(g.Pool); p != nil && p.Protocol != "" && l.p.LoadBalancer.Kind == "metallb" {
		for i, a := range g.VIPs {
			out = append(out, announcedRules(addressOwner{"gateway", g.Name, g.Local, slices.Concat(g.From, ir.From{site.Join("gateways", g.Name, "addresses", site.Index(i))})}, p, a)...)
		}
	}
	if p := l.pool(g.Pool); p != nil && p.Protocol == "l2" && l.p.KubeVIP != nil {
		out = append(out, l.kubeVIPLeaderRules(g, p)...)
	}
	if g.ByNodes { // which are watched as such
		return out
	}
	return append(out, replicas("Gateway", fmt.Sprintf("gateway %s", g.Name), g.Namespace, g.Release, g.Replicas, labels, placement,
		fmt.Sprintf("On nodes of class %s in racks %s.", g.Class, strings.Join(g.Racks, ", ")))...)
}

// announcedRules watch who announces one address. MetalLB's metric names the protocols its own way (internal/config).
func announcedRules(o addressOwner, p *ir.Pool, a netip.Addr) []ir.Rule {
	labels := []ir.KV{{Key: o.kind, Value: o.name}, {Key: "vip", Value: a.String()}}
	from := slices.Concat(p.From, o.from)
	protocol := p.Protocol
	if protocol == "l2" {
		protocol = "layer2"
	}
	series := fmt.Sprintf(`metallb_speaker_announced{ip="%s",protocol="%s"}`, a, protocol)
	when := "A node announces while a ready pod of the " + o.kind + " runs on it."
	if !o.local {
		when = "A node announces while a pod of the " + o.kind + " is ready, there or elsewhere."
	}
	missing := ir.Rule{Alert: "VIPNotAnnounced", Severity: critical, For: "3m", Labels: labels, From: from,
		Expr:        "absent(" + series + ")",
		Summary:     fmt.Sprintf("No node announces %s of %s %s.", a, o.kind, o.name),
		Description: fmt.Sprintf("Racks that should: %s. %s", strings.Join(p.Racks, ", "), when)}
	if p.Protocol != "l2" {
		return []ir.Rule{missing}
	}
	missing.Description = fmt.Sprintf("One of these nodes should: %s. %s", strings.Join(p.Announcers, ", "), when)
	return []ir.Rule{missing, {Alert: "VIPAnnouncedTwice", Severity: critical, For: "2m", Labels: labels, From: from,
		Expr:        "count(" + series + ") > 1",
		Summary:     fmt.Sprintf("More than one node answers for %s of %s %s.", a, o.kind, o.name),
		Description: fmt.Sprintf("At layer 2 one of %s should; clients and routers follow whoever answered last. The speakers do not hear each other: TCP and UDP 7946 between these nodes.", strings.Join(p.Announcers, ", "))}}
}

// replicas are two alerts on a Deployment: fewer pods than planned, and none.
func replicas(alert, what, namespace, deployment string, n int, labels []ir.KV, from ir.From, where string) []ir.Rule {
	metric := fmt.Sprintf(`kube_deployment_status_replicas_available{namespace="%s",deployment="%s"}`, namespace, deployment)
	return []ir.Rule{
		{Alert: alert + "PodsMissing", Severity: warning, For: "15m", Labels: labels, From: from,
			Expr:        fmt.Sprintf("%s < %d", metric, n),
			Summary:     fmt.Sprintf("Fewer pods of %s than planned are available.", what),
			Description: fmt.Sprintf("Planned: %d of Deployment %s/%s. %s", n, namespace, deployment, where)},
		{Alert: alert + "Down", Severity: critical, For: "2m", Labels: labels, From: from,
			Expr:        metric + " == 0",
			Summary:     fmt.Sprintf("No pod of %s is available.", what),
			Description: fmt.Sprintf("Planned: %d of Deployment %s/%s. %s", n, namespace, deployment, where)},
	}
}
