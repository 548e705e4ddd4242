package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const gatewayAPIGroup = "gateway.networking.k8s.io"

// waypointClass is the GatewayClass of waypoints; istiod makes it.
const waypointClass = "istio-waypoint"

// waypoints writes the Gateway of each namespace that has a waypoint, and the size of what istiod deploys for it.
func (e *emitter) waypoints() {
	w := e.p.Mesh.Waypoint
	if w == nil {
		return
	}
	gateways, parameters := e.objects(backend.Mesh, "Gateway"), e.objects(backend.Mesh, "ConfigMap")
	for i := range e.p.Namespaces {
		if n := &e.p.Namespaces[i]; n.Waypoint && n.Meshed {
			e.waypoint(gateways, n, w)
			waypointParameters(parameters, n, w)
		}
	}
}

func waypointParametersName(w *ir.Waypoint) string { return w.Name + "-parameters" }

func (e *emitter) waypoint(o *backend.Writer, n *ir.Namespace, w *ir.Waypoint) {
	from := append(append(ir.From{}, n.From.Of("waypoint")...), e.p.Mesh.From.Of("kind", "revision")...)
	revision := e.p.Mesh.RevisionLabel()
	if next := e.p.Mesh.Next; next != nil {
		from = append(from, next.From...)
		if slices.Contains(next.Namespaces, n.Name) {
			revision = next.Revision
		}
	}
	meta := backend.Meta{APIVersion: gatewayAPIGroup + "/v1", Namespace: n.Name, Name: w.Name, From: from, Labels: []ir.KV{
		{Key: revisionLabel, Value: revision},
		{Key: "istio.io/waypoint-for", Value: "service"},
	}}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("gatewayClassName", waypointClass)
			backend.Nested(y, []string{"infrastructure", "parametersRef"}, func() {
				y.KV("group", "")
				y.KV("kind", "ConfigMap")
				y.KV("name", waypointParametersName(w))
			})
			y.Seq("listeners", func() {
				y.Item(func() {
					y.KV("name", "mesh")
					y.KV("port", e.p.Mesh.ProxyPorts.Tunnel)
					y.KV("protocol", "HBONE")
				})
			})
		})
	})
}

// waypointParameters writes the ConfigMap that istiod merges into what it deploys, as for gateways.
func waypointParameters(o *backend.Writer, n *ir.Namespace, w *ir.Waypoint) {
	from := append(append(ir.From{}, w.From...), n.From.Of("waypoint")...)
	meta := backend.Meta{APIVersion: "v1", Namespace: n.Name, Name: waypointParametersName(w), From: from}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("data", func() {
			y.Block("deployment", patch(func(y *artifact.YAML) { waypointDeployment(y, w) }))
			if w.Replicas > 1 {
				y.Block("podDisruptionBudget", patch(func(y *artifact.YAML) {
					y.Map("spec", func() { y.KV("maxUnavailable", 1) })
				}))
			}
		})
	})
}

func waypointDeployment(y *artifact.YAML, w *ir.Waypoint) {
	y.Map("spec", func() {
		y.KV("replicas", w.Replicas)
		backend.Nested(y, []string{"template", "spec"}, func() {
			y.Comment("Without it the pod is refused in a restricted namespace.")
			y.Map("securityContext", func() { seccomp(y) })
			y.Seq("topologySpreadConstraints", func() {
				for _, key := range []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"} {
					y.Item(func() {
						y.KV("maxSkew", 1)
						y.KV("topologyKey", key)
						y.KV("whenUnsatisfiable", "ScheduleAnyway")
						y.Map("labelSelector", func() { backend.Pairs(y, "matchLabels", w.Selector) })
						y.KV("matchLabelKeys", []string{"pod-template-hash"})
					})
				}
			})
			y.Seq("containers", func() {
				y.Item(func() {
					y.KV("name", "istio-proxy")
					backend.Resources(y, w.Resources)
				})
			})
		})
	})
}
