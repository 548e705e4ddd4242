package lower

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// The Deployment of the controller and its pods, and the ports of metrics by name (envoyproxy/gateway v1.8.3 and v1.9.1,
// charts/gateway-helm/templates/envoy-gateway-deployment.yaml, internal/infrastructure/kubernetes/proxy/resource.go).
const (
	programController  = "envoy-gateway"
	programControllers = 2
	programMetrics     = "metrics"
)

// programNamespaces are those of the gateways that a program serves.
func (l *lowering) programNamespaces() ([]string, ir.From) {
	var out []string
	var from ir.From
	for i := range l.p.Gateways {
		if g := &l.p.Gateways[i]; g.Program.Kind != "" {
			out, from = append(out, g.Namespace), append(from, g.Program.From...)
		}
	}
	return out, from
}

// programMonitors are the controller of the gateway program, and its proxies.
func (l *lowering) programMonitors() []ir.Monitor {
	pr := l.p.Program
	if pr == nil {
		return nil
	}
	namespaces, from := l.programNamespaces()
	return []ir.Monitor{
		{Kind: "PodMonitor", Name: watchName + "-gateway-controller", Namespaces: []string{pr.Namespace}, Selector: []ir.KV{{Key: "control-plane", Value: programController}},
			Ports: []string{programMetrics}, Path: "/metrics", Reason: "Who configures the gateways' proxies.", From: pr.From},
		{Kind: "PodMonitor", Name: watchName + "-gateway-proxies", Namespaces: namespaces, Selector: []ir.KV{{Key: "app.kubernetes.io/component", Value: "proxy"}},
			Ports: []string{programMetrics}, Path: "/stats/prometheus", NodeLabel: true, Reason: "The gateways' proxies.", From: from},
	}
}

// programRules watch that there is a controller, and that proxies hear from it.
func (l *lowering) programRules() []ir.Rule {
	pr := l.p.Program
	if pr == nil {
		return nil
	}
	namespaces, from := l.programNamespaces()
	return append(replicas("GatewayController", "the gateways' controller", pr.Namespace, programController, programControllers, nil, pr.From,
		"Without any, running proxies go on with what they know, and no route or certificate that changes reaches them."),
		ir.Rule{Alert: "GatewayProxyAlone", Severity: warning, For: "10m", From: from,
			Expr:        fmt.Sprintf(`envoy_control_plane_connected_state{namespace=~"%s"} == 0`, strings.Join(namespaces, "|")),
			Summary:     "The proxy of {{ $labels.namespace }}/{{ $labels.pod }} does not hear from its controller.",
			Description: "It goes on with what it knows: no route or certificate that changes reaches it."})
}

// programNeeds are the metrics that these read.
func (l *lowering) programNeeds() []needed {
	if l.p.Program == nil {
		return nil
	}
	_, from := l.programNamespaces()
	return []needed{{"envoy_control_plane_connected_state", "the gateways' proxies", from}}
}
