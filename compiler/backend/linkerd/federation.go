package linkerd

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const linkV = "multicluster.linkerd.io/v1alpha3"

// exported is the label of Services that other sites may know.
const exported = "mirror.linkerd.io/exported"

// federated is the label of Services that are one with those of their name at other sites.
const federated = "mirror.linkerd.io/federated"

// federationValues: one controller a peer, and no gateway of the chart's.
func (e *emitter) federationValues(y *artifact.YAML) {
	m := &e.p.Mesh
	y.KV("linkerdNamespace", m.Namespace)
	y.From("", m.From.Of("trustDomain")...)
	y.KV("identityTrustDomain", m.TrustDomain)
	y.Fixed()
	if e.p.Federation.Flat {
		y.From("", "federation")
		y.Comment("Pods of the sites reach each other: nobody comes in by a gateway.")
	} else {
		y.Comment("The site's own stands in 30-gateways: the chart's admits every certificate of every site, by a policy that no value takes away.")
	}
	y.Map("gateway", func() { y.KV("enabled", false) })
	y.Comment("A job that labels the namespace, which has its labels already.")
	y.KV("createNamespaceMetadataJob", false)
	y.Comment("A service of another site is known here in the namespace that it has there.")
	y.KV("enableNamespaceCreation", true)
	y.From("", "federation")
	y.Comment("As whom each peer reads this cluster: access is taken away from one without the others.")
	var accounts []string
	for i := range e.k.Links {
		accounts = append(accounts, e.k.Links[i].Account)
	}
	y.KV("remoteMirrorServiceAccountName", strings.Join(accounts, ","))
	y.Seq("controllers", func() {
		for i := range e.k.Links {
			y.From("", e.k.Links[i].From...)
			y.Item(func() {
				backend.Nested(y, []string{"link", "ref"}, func() { y.KV("name", e.k.Links[i].Name) })
				if e.k.Links[i].Flat {
					y.Comment("Nothing to ask whether it is ready.")
					y.Map("gateway", func() { y.KV("enabled", false) })
				}
			})
		}
	})
	y.Fixed()
}

// links names the other sites to the controllers.
func (e *emitter) links() {
	o := e.objects(backend.Gateways, "Link")
	for i := range e.k.Links {
		k := &e.k.Links[i]
		o.Add(backend.Meta{APIVersion: linkV, Namespace: k.Namespace, Name: k.Name, From: k.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("targetClusterName", k.Name)
				y.KV("targetClusterDomain", k.Domain)
				y.KV("targetClusterLinkerdNamespace", k.Control)
				y.KV("clusterCredentialsSecret", k.Secret)
				if k.Flat {
					y.Comment("Services there that carry the label are known here, as <name>-" + k.Name + ": by their pods.")
					selector(y, "remoteDiscoverySelector", exported, "remote-discovery")
					y.Comment("And these as one with those of their name here and elsewhere, as <name>-federated.")
					selector(y, "federatedServiceSelector", federated, "member")
					return
				}
				y.KV("gatewayAddress", strings.Join(ir.Addrs(k.Addresses), ","))
				y.KV("gatewayPort", decimal(k.Port))
				y.KV("gatewayIdentity", k.Identity)
				y.Map("probeSpec", func() {
					y.KV("path", "/ready")
					y.KV("port", decimal(k.ProbePort))
					y.KV("period", "3s")
					y.KV("timeout", "30s")
					y.KV("failureThreshold", "3")
				})
				y.Comment("Services there that carry the label are known here, as <name>-" + k.Name + ".")
				selector(y, "selector", exported, "true")
			})
		})
	}
}

// selector takes what carries a label with a value.
func selector(y *artifact.YAML, name, key, value string) {
	y.Map(name, func() {
		y.Seq("matchExpressions", func() {
			y.Item(func() {
				y.KV("key", key)
				y.KV("operator", "In")
				y.KV("values", []string{value})
			})
		})
	})
}

// gateway is the way in for other sites: pods whose proxies hand on what they take, and the Service with the addresses.
func (e *emitter) gateway() {
	f := e.p.Federation
	if f == nil || f.Flat {
		return
	}
	g := e.p.Gateway(f.Gateway)
	meta := backend.Meta{APIVersion: "v1", Namespace: g.Namespace, Name: g.Release, From: g.From}
	e.objects(backend.Gateways, "ServiceAccount").Add(meta, func(y *artifact.YAML) {
		y.KV("automountServiceAccountToken", false)
		pullSecret(y, g)
	})
	deployment := meta
	deployment.APIVersion, deployment.Labels = "apps/v1", slices.Clone(g.Selector)
	e.objects(backend.Gateways, "Deployment").Add(deployment, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.From("", g.From.Of("replicas")...)
			y.KV("replicas", g.Replicas)
			y.From("", g.From...)
			y.Map("selector", func() { backend.Pairs(y, "matchLabels", g.Selector) })
			y.Comment("A new pod may have no place beside the old ones: one goes first.")
			backend.Nested(y, []string{"strategy", "rollingUpdate"}, func() {
				y.KV("maxSurge", 1)
				y.KV("maxUnavailable", 1)
			})
			y.Map("template", func() { e.gatewayPod(y, g) })
			y.Fixed()
		})
	})
	budget := meta
	budget.APIVersion = "policy/v1"
	e.objects(backend.Gateways, "PodDisruptionBudget").Add(budget, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("maxUnavailable", 1)
			y.Map("selector", func() { backend.Pairs(y, "matchLabels", g.Selector) })
		})
	})
	service := meta
	service.Annotations = append([]ir.KV{
		{Key: "mirror.linkerd.io/gateway-identity", Value: e.k.GatewayIdentity},
		{Key: "mirror.linkerd.io/multicluster-gateway", Value: "true"},
		{Key: "mirror.linkerd.io/probe-path", Value: "/ready"},
		{Key: "mirror.linkerd.io/probe-period", Value: "3"},
	}, g.Annotations...)
	service.From = append(slices.Clone(g.From), e.p.Mesh.From.Of("trustDomain")...)
	e.objects(backend.Gateways, "Service").Add(service, func(y *artifact.YAML) {
		y.Map("spec", func() { backend.GatewayService(y, g) })
	})
}

// gatewayPod has a container that does nothing beside a proxy that is told to hand on.
func (e *emitter) gatewayPod(y *artifact.YAML, g *ir.Gateway) {
	y.Map("metadata", func() {
		backend.Pairs(y, "labels", g.Selector)
		backend.Pairs(y, "annotations", []ir.KV{
			{Key: "linkerd.io/inject", Value: "enabled"},
			{Key: "config.linkerd.io/enable-gateway", Value: "true"},
			{Key: "config.linkerd.io/proxy-require-identity-inbound-ports", Value: decimal(e.p.Federation.Port)},
		})
	})
	y.Map("spec", func() {
		y.KV("automountServiceAccountToken", false)
		y.KV("serviceAccountName", g.ServiceAccount)
		pullSecret(y, g)
		backend.Placement(y, g)
		y.Map("securityContext", func() { y.Map("seccompProfile", func() { y.KV("type", "RuntimeDefault") }) })
		y.Seq("containers", func() {
			y.Item(func() {
				y.KV("name", "pause")
				y.KV("image", g.Image)
				backend.Resources(y, ir.Resources{CPURequest: "1m", MemoryRequest: "4Mi", MemoryLimit: "16Mi"})
				y.Map("securityContext", func() {
					y.KV("allowPrivilegeEscalation", false)
					y.Map("capabilities", func() { y.KV("drop", []string{"ALL"}) })
					y.KV("readOnlyRootFilesystem", true)
					y.KV("runAsNonRoot", true)
					y.KV("runAsUser", 2103)
					y.KV("runAsGroup", 2103)
				})
			})
		})
	})
}

func pullSecret(y *artifact.YAML, g *ir.Gateway) {
	if g.PullSecret != "" {
		y.From("", "registry")
		y.Seq("imagePullSecrets", func() { y.Item(func() { y.KV("name", g.PullSecret) }) })
		y.From("", g.From...)
	}
}
