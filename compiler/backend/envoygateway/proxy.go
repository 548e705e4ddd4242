package envoygateway

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// proxy writes the spec of an EnvoyProxy: what the controller deploys for one gateway.
func proxy(y *artifact.YAML, g *ir.Gateway, logs string, from ir.From) {
	v4, v6 := families(g)
	if v6 {
		y.From("", g.From.Of("addresses")...)
		if v4 {
			y.KV("ipFamily", "DualStack")
		} else {
			y.KV("ipFamily", "IPv6")
		}
		y.Fixed()
	}
	accessLogs(y, logs, from)
	if g.ByService {
		y.From("", g.From.Of("kind")...)
		y.Comment("To the address of the Service: the mesh's proxy in the pod chooses among its pods, by the mesh's routes.")
		y.KV("routingType", "Service")
		y.Fixed()
	}
	y.Map("provider", func() {
		y.KV("type", "Kubernetes")
		y.Map("kubernetes", func() {
			y.Comment("Ports below 1024 are not moved up by 10000: a NetworkPolicy sees those that the listeners name.")
			y.KV("useListenerPortAsContainerPort", true)
			y.Map("envoyDeployment", func() { deployment(y, g) })
			if g.Replicas > 1 {
				y.Map("envoyPDB", func() { y.KV("maxUnavailable", 1) })
			}
			y.Map("envoyService", func() { service(y, g) })
		})
	})
}

// accessLogs says which requests the proxies log: the program's default is all of them, to the standard output.
func accessLogs(y *artifact.YAML, logs string, from ir.From) {
	y.From("", from...)
	switch logs {
	case "off":
		backend.Nested(y, []string{"telemetry", "accessLog"}, func() { y.KV("disable", true) })
	case "errors":
		backend.Nested(y, []string{"telemetry", "accessLog"}, func() {
			y.Seq("settings", func() {
				y.Item(func() {
					y.Comment("Failures alone: a status from 400 on, or Envoy's own reason to give up.")
					y.KV("matches", []string{"response.code >= 400 || response.flags != 0"})
					y.Seq("sinks", func() {
						y.Item(func() {
							y.KV("type", "File")
							y.Map("file", func() { y.KV("path", "/dev/stdout") })
						})
					})
				})
			})
		})
	}
	y.Fixed()
}

func deployment(y *artifact.YAML, g *ir.Gateway) {
	y.From("", g.From.Of("replicas")...)
	y.KV("replicas", g.Replicas)
	y.Fixed()
	y.Map("pod", func() {
		if g.PullSecret != "" {
			y.From("", "registry")
			y.Seq("imagePullSecrets", func() { y.Item(func() { y.KV("name", g.PullSecret) }) })
			y.Fixed()
		}
		y.Map("securityContext", func() {
			y.Map("seccompProfile", func() { y.KV("type", "RuntimeDefault") })
			backend.PodSysctls(y, g)
		})
		backend.Placement(y, g)
	})
	y.Map("container", func() {
		if g.Image != "" {
			y.From("", "registry")
			y.KV("imageRepository", g.Image)
			y.Fixed()
		}
		backend.Resources(y, g.Resources)
	})
}

// service writes the Service that the load balancer gives its addresses to.
func service(y *artifact.YAML, g *ir.Gateway) {
	y.From("", g.From...)
	if g.NodePorts {
		y.KV("type", "NodePort")
	} else {
		y.KV("type", "LoadBalancer")
	}
	if g.LBClass != "" {
		y.KV("loadBalancerClass", g.LBClass)
	}
	y.KV("externalTrafficPolicy", trafficPolicy(g))
	backend.Pairs(y, "annotations", g.Annotations)
	if len(g.SourceRanges) > 0 && !g.NodePorts {
		y.KV("loadBalancerSourceRanges", ir.Prefixes(g.SourceRanges))
	}
	if g.NodePorts {
		y.Map("patch", func() {
			y.KV("type", "StrategicMerge")
			backend.Nested(y, []string{"value", "spec"}, func() {
				y.Seq("ports", func() {
					for _, l := range g.Listeners { // merged by port
						y.From("", l.From...)
						y.Item(func() {
							y.KV("port", l.Port)
							y.KV("nodePort", l.NodePort)
						})
					}
				})
			})
		})
	}
	y.Fixed()
}

func trafficPolicy(g *ir.Gateway) string {
	if g.Local {
		return "Local"
	}
	return "Cluster"
}

func families(g *ir.Gateway) (v4, v6 bool) {
	for _, a := range g.VIPs {
		v4, v6 = v4 || a.Is4(), v6 || a.Is6()
	}
	return v4, v6
}
