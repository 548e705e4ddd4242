package consul

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

func (e *emitter) values() {
	for _, r := range e.p.Releases {
		if r.Component != "consul" {
			continue
		}
		y := backend.Values(e.p, e.t, r)
		y.Map("global", func() { e.global(y, r.Name) })
		y.Map("server", func() { e.server(y) })
		y.Map("connectInject", func() { e.inject(y) })
		e.meshGateway(y)
		e.terminatingGateways(y)
		y.Comment("Names are the cluster's: a pod asks kube-dns, and its proxy knows a service by the address of its Service.")
		y.Map("dns", func() {
			y.KV("enabled", false)
			y.KV("enableRedirection", false)
		})
		y.Comment("Reached by kubectl port-forward, and not by a Service.")
		backend.Nested(y, []string{"ui", "service"}, func() { y.KV("enabled", false) })
		y.Comment("No pod that only tests.")
		y.Map("tests", func() { y.KV("enabled", false) })
	}
}

// global: all keys come by Secret, so that no job of the chart makes one.
func (e *emitter) global(y *artifact.YAML, name string) {
	secret := func(key, name, field string) {
		y.Map(key, func() {
			y.KV("secretName", name)
			y.KV("secretKey", field)
		})
	}
	y.KV("name", name)
	y.From("", e.p.From.Of("name")...)
	y.KV("datacenter", e.k.Datacenter)
	y.Fixed()
	y.KV("domain", e.k.Domain)
	secret("gossipEncryption", e.k.GossipSecret, "key")
	y.Map("tls", func() {
		y.KV("enabled", true)
		y.KV("httpsOnly", true)
		y.KV("verify", true)
		secret("caCert", e.k.CASecret, "tls.crt")
	})
	y.Map("acls", func() {
		y.Comment("With access lists, and by them, what no intention admits is refused.")
		y.KV("manageSystemACLs", true)
		if w := e.k.WAN; w != nil && w.Secondary {
			y.From("", w.From...)
			y.Comment("The access lists are the primary's, and this is of its making.")
			secret("replicationToken", e.k.TokenSecret, "token")
			y.Fixed()
			return
		}
		if w := e.k.WAN; w != nil {
			y.From("", w.From...)
		}
		secret("bootstrapToken", e.k.TokenSecret, "token")
		if e.k.WAN != nil {
			y.Comment("By which the other datacenters copy the access lists: a job keeps it in a Secret.")
			y.KV("createReplicationToken", true)
			y.Fixed()
		}
	})
	e.federation(y)
	if len(e.k.Peers) > 0 {
		y.From("", "federation")
		y.Map("peering", func() { y.KV("enabled", true) })
		y.Fixed()
	}
	y.Map("metrics", func() {
		y.KV("enabled", true)
		y.KV("enableGatewayMetrics", true)
	})
	if e.p.Delivery.Kind == ir.ArgoCD {
		y.From("", "delivery.kind")
		y.Map("argocd", func() { y.KV("enabled", true) })
		y.Fixed()
	}
	streams := slices.ContainsFunc(e.p.Gateways, func(g ir.Gateway) bool { return g.Streams() })
	y.From("", "gateways")
	if streams {
		y.Comment("The controller watches TCPRoutes, of v1alpha2.")
	} else {
		y.Comment("The controller reads TCPRoutes of v1alpha2, which no bundle of the standard channel has.")
	}
	y.Map("crds", func() { y.KV("enableTcpRoute", streams) })
	y.Fixed()
}

// spreadServers is the text that the chart puts into the servers' pods, by its own labels.
const spreadServers = `- maxSkew: 1
  topologyKey: %s
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      app: consul
      component: server
`

func (e *emitter) server(y *artifact.YAML) {
	m := &e.p.Mesh
	y.Map("serverCert", func() { y.KV("secretName", e.k.ServerSecret) })
	y.From("", m.From.Of("replicas")...)
	y.KV("replicas", m.Replicas)
	y.Map("disruptionBudget", func() {
		y.KV("enabled", true)
		y.Comment("As many as a quorum can do without.")
		y.KV("maxUnavailable", e.k.Tolerated)
	})
	y.Fixed()
	y.Comment("Beside the chart's own rule, by which no two stand on one node.")
	y.Block("topologySpreadConstraints", fmt.Sprintf(spreadServers, e.k.SpreadKey))
	y.Map("exposeService", func() { y.KV("enabled", false) })
	e.authority(y)
}

func (e *emitter) inject(y *artifact.YAML) {
	y.KV("enabled", true)
	y.Comment("Every pod of the namespaces that have the label, and no other: the webhook is not called for the rest.")
	y.KV("default", true)
	y.Block("namespaceSelector", fmt.Sprintf("matchLabels:\n  %s: %q\n", e.k.InjectLabel.Key, e.k.InjectLabel.Value))
	y.KV("replicas", 2)
	y.Map("transparentProxy", func() {
		y.KV("defaultEnabled", true)
		y.Comment("Kubelets have no certificate: probes are moved to ports of the proxy.")
		y.KV("defaultOverwriteProbes", true)
	})
	y.Comment("The plug-in redirects traffic, so that no pod needs NET_ADMIN and namespaces stay baseline or restricted.")
	y.Map("cni", func() {
		y.KV("enabled", true)
		y.KV("namespace", e.k.CNINamespace)
		y.From("consul/cni-folders", e.p.Cluster.CNI.DirsFrom...)
		y.KV("cniBinDir", e.p.Cluster.CNI.BinDir)
		y.KV("cniNetDir", e.p.Cluster.CNI.NetDir)
		y.Fixed()
	})
	y.From("", append(e.p.Cluster.From.Of("version"), "mesh.proxy.holdApplicationUntilReady")...)
	y.Comment("Starts before the containers and ends after them, so that Jobs end.")
	if e.p.Mesh.HoldPods {
		y.Comment("Its startup probe holds the containers until it is ready.")
	}
	y.Map("dataplaneAsSidecarInitContainer", func() { y.KV("defaultEnabled", e.p.Mesh.NativeSidecars) })
	y.Fixed()
	if r := &e.p.Mesh.Proxy; r.From != nil {
		y.From("", r.From...)
		y.Map("sidecarProxy", func() {
			backend.Resources(y, *r)
		})
		y.Fixed()
	}
	y.Map("apiGateway", func() {
		y.Comment("The cluster has the bundle of the Gateway API that the site declares; that of the chart is 0.6.2.")
		y.KV("manageExternalCRDs", false)
		y.KV("manageNonStandardCRDs", false)
		y.Comment("Of the class that the chart makes and no gateway here has: nothing that takes an address.")
		y.Map("managedGatewayClass", func() { y.KV("serviceType", "ClusterIP") })
	})
}
