package consul

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// terminatingGateways writes the values of the pods that lead out of the mesh.
func (e *emitter) terminatingGateways(y *artifact.YAML) {
	if len(e.k.Ways) == 0 {
		return
	}
	from := ir.From{"mesh.kind", "mesh.egressPolicy", "external", "namespaces"}
	if e.k.WAN != nil {
		from = append(from, e.k.WAN.From...)
	}
	y.From("", from...)
	y.Map("terminatingGateways", func() {
		if e.secondary() {
			y.Comment("The controller makes the pods, as TerminatingGateway says: pods of the chart log in before they may stand for anything.")
		}
		y.KV("enabled", true)
		y.Seq("gateways", func() {
			for i := range e.k.Ways {
				if w := &e.k.Ways[i]; !w.ByController {
					y.From("", w.From...)
					y.Item(func() { e.terminatingGateway(y, w) })
				}
			}
		})
	})
	y.Fixed()
}

func (e *emitter) terminatingGateway(y *artifact.YAML, w *ir.ConsulWay) {
	y.KV("name", w.Service)
	y.KV("replicas", w.Replicas)
	if w.Class != "" {
		y.Comment("On the nodes of egress gateway " + w.Via + ".")
		y.Block("nodeSelector", "meshgen.dev/class: "+w.Class+"\n")
	}
	if len(w.Tolerations) > 0 {
		y.Block("tolerations", tolerationsText(w.Tolerations))
	}
	y.Block("topologySpreadConstraints", fmt.Sprintf(spreadWays, w.SpreadKey, w.Passage.Name))
	backend.Resources(y, w.Resources)
}

// spreadWays is the text that the chart puts into the pods, by its own labels.
const spreadWays = `- maxSkew: 1
  topologyKey: %[1]s
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      terminating-gateway-name: %[2]s
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      terminating-gateway-name: %[2]s
`

// ways writes what leads out of the mesh, where to, and who may.
func (e *emitter) ways() {
	ns := e.p.Mesh.Namespace
	for i := range e.k.Ways {
		w := &e.k.Ways[i]
		backend.NewWriter(e.p, e.t, backend.Gateways, "PodDisruptionBudget").Add(
			backend.Meta{APIVersion: "policy/v1", Namespace: ns, Name: w.Passage.Name, From: w.From}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.KV("maxUnavailable", 1)
					y.Map("selector", func() { backend.Pairs(y, "matchLabels", w.Passage.Selector) })
				})
			})
		e.add(backend.Policy, "TerminatingGateway", ns, w.Service, w.From, func(y *artifact.YAML) {
			y.Comment("The controller gives the pods the right to stand for these, and for no more.")
			y.Seq("services", func() {
				for j := range w.Destinations {
					d := &w.Destinations[j]
					y.From("", d.From...)
					y.Item(func() { y.KV("name", d.Name) })
				}
				for j := range w.Machines {
					y.From("", w.Machines[j].From...)
					y.Item(func() { y.KV("name", w.Machines[j].Name) })
				}
				y.Fixed()
			})
			if w.ByController {
				deployment(y, w)
			}
		})
		for j := range w.Destinations {
			e.destination(&w.Destinations[j])
		}
		for j := range w.Machines {
			e.machine(&w.Machines[j])
		}
	}
}

// deployment has the controller make the pods.
func deployment(y *artifact.YAML, w *ir.ConsulWay) {
	y.From("", w.From...)
	y.Map("deployment", func() {
		y.Comment("Made by the controller, when the role is there by which they log in: a role that comes later is not theirs until they start anew.")
		y.KV("enabledDeployment", true)
		y.KV("replicas", w.Replicas)
		if w.Class != "" {
			y.Comment("On the nodes of egress gateway " + w.Via + ".")
			backend.Pairs(y, "nodeSelector", []ir.KV{{Key: "meshgen.dev/class", Value: w.Class}})
		}
		backend.Tolerations(y, w.Tolerations)
		y.Seq("topologySpreadConstraints", func() {
			for _, key := range []string{w.SpreadKey, "kubernetes.io/hostname"} {
				y.Item(func() {
					y.KV("maxSkew", 1)
					y.KV("topologyKey", key)
					y.KV("whenUnsatisfiable", "ScheduleAnyway")
					y.Map("labelSelector", func() { backend.Pairs(y, "matchLabels", w.Passage.Selector) })
				})
			}
		})
		backend.Resources(y, w.Resources)
	})
	y.Fixed()
}

func (e *emitter) destination(d *ir.ConsulDestination) {
	ns := e.p.Mesh.Namespace
	e.add(backend.Policy, "ServiceDefaults", ns, d.Name, d.From, func(y *artifact.YAML) {
		y.KV("protocol", d.Protocol)
		y.Map("destination", func() {
			y.KV("addresses", d.Addresses)
			y.KV("port", d.Port)
		})
	})
	e.add(backend.Policy, "ServiceIntentions", ns, d.Name, d.From, func(y *artifact.YAML) {
		y.Map("destination", func() { y.KV("name", d.Name) })
		y.Seq("sources", func() {
			for i := range d.Callers {
				c := &d.Callers[i]
				y.From("", c.From...)
				y.Item(func() { source(y, c) })
			}
			y.Fixed()
			y.Comment("Of all others, also where the rest of the mesh is opened: whoever may go there looks for its port outside alone.")
			y.Item(func() {
				y.KV("name", "*")
				y.KV("action", "deny")
			})
		})
	})
}

// machine writes the machines of a service into the catalog, each as a node of its own. Nobody looks whether they are alive:
// checks of such nodes are for a program of Consul's that is not installed here.
func (e *emitter) machine(m *ir.ConsulMachine) {
	for i, a := range m.Addresses {
		name := fmt.Sprintf("%s-%s-%d", m.Namespace, m.Name, i+1)
		e.add(backend.Policy, "Registration", "", name, m.From, func(y *artifact.YAML) {
			y.KV("node", name)
			y.KV("address", a)
			y.Map("service", func() {
				y.KV("id", name)
				y.KV("name", m.Name)
				y.KV("address", a)
				y.KV("port", m.Port)
				y.Map("weights", func() {
					y.KV("passing", 1)
					y.KV("warning", 1)
				})
			})
		})
	}
}
