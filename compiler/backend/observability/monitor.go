package observability

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// tokenFile is where Prometheus finds the token of its own ServiceAccount.
const tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// podNode is the label under which discovery knows a pod's node.
const podNode = "__meta_kubernetes_pod_node_name"

// monitors writes the monitors, and the Services that ServiceMonitors go by.
func monitors(p *ir.Plan, t *artifact.Tree) {
	byKind := map[string]*artifact.YAML{}
	objects := func(kind string) *artifact.YAML {
		if byKind[kind] == nil {
			byKind[kind] = backend.Objects(p, t, backend.Watch, kind)
		}
		return byKind[kind]
	}
	for i := range p.Watch.Monitors {
		m := &p.Watch.Monitors[i]
		monitor(p, objects(m.Kind), m)
		if m.Service != nil {
			service(p, objects("Service"), m)
		}
	}
}

func monitor(p *ir.Plan, y *artifact.YAML, m *ir.Monitor) {
	meta := backend.Meta{APIVersion: monitoringV1, Kind: m.Kind, Namespace: p.Watch.Namespace, Name: m.Name, Labels: labels(p), From: m.From}
	backend.Object(y, meta, func() {
		y.Map("spec", func() {
			y.From(m.Why, m.From...)
			y.Comment(m.Reason)
			if m.Budgeted {
				budget(y, &p.Watch.Series)
				y.From(m.Why, m.From...)
			}
			y.Map("namespaceSelector", func() { y.KV("matchNames", m.Namespaces) })
			y.Map("selector", func() { backend.Pairs(y, "matchLabels", m.Selector) })
			y.Seq(endpointsKey(m), func() {
				for _, port := range m.Ports {
					y.Item(func() { endpoint(y, m, port) })
				}
			})
		})
	})
}

func endpointsKey(m *ir.Monitor) string {
	if m.Kind == "PodMonitor" {
		return "podMetricsEndpoints"
	}
	return "endpoints"
}

// budget says what the targets of a monitor are planned to cost.
func budget(y *artifact.YAML, s *ir.Series) {
	y.From(s.Why, s.From...)
	y.Comment(fmt.Sprintf("Planned: %d series = %d proxies x (%d + %d edges x %d). Above it an alert fires; nothing is cut off.",
		s.Total, s.Proxies, s.Base, s.Edges, s.PerEdge))
}

func endpoint(y *artifact.YAML, m *ir.Monitor, port string) {
	y.KV("port", port)
	y.KV("path", m.Path)
	if m.HonorLabels {
		y.KV("honorLabels", true)
	}
	if m.HTTPS {
		y.KV("scheme", "https")
		y.Map("tlsConfig", func() { y.KV("insecureSkipVerify", true) })
		y.KV("bearerTokenFile", tokenFile)
	}
	relabelings(y, m)
	if len(m.Drop) == 0 {
		return
	}
	y.Seq("metricRelabelings", func() {
		for _, d := range m.Drop {
			y.Comment(d.Reason)
			y.Item(func() {
				y.KV("sourceLabels", []string{"__name__"})
				y.KV("regex", d.Metrics)
				y.KV("action", "drop")
			})
		}
	})
}

func relabelings(y *artifact.YAML, m *ir.Monitor) {
	if m.Dial == 0 && !m.NodeLabel {
		return
	}
	y.Seq("relabelings", func() {
		if m.Dial != 0 {
			y.Item(func() {
				y.KV("sourceLabels", []string{"__address__"})
				y.KV("regex", `(.+):\d+`)
				y.KV("replacement", fmt.Sprintf("$1:%d", m.Dial))
				y.KV("targetLabel", "__address__")
			})
		}
		if m.NodeLabel {
			y.Item(func() {
				y.KV("sourceLabels", []string{podNode})
				y.KV("targetLabel", "node")
			})
		}
	})
}

// service writes the Service of a monitor: headless, for nobody but discovery asks it.
func service(p *ir.Plan, y *artifact.YAML, m *ir.Monitor) {
	s := m.Service
	meta := backend.Meta{APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name,
		Labels: append(backend.ManagedBy(p), s.Labels...), From: m.From}
	backend.Object(y, meta, func() {
		y.Map("spec", func() {
			y.KV("clusterIP", "None")
			backend.Pairs(y, "selector", s.Selector)
			y.Seq("ports", func() {
				for _, port := range s.Ports {
					y.Item(func() {
						y.KV("name", port.Name)
						y.KV("port", port.Port)
						y.KV("targetPort", port.Port)
						y.KV("protocol", "TCP")
					})
				}
			})
		})
	})
}
