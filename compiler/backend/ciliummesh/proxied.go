package ciliummesh

import (
	"fmt"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Types of Envoy's resources and filters.
const (
	typeListener = "type.googleapis.com/envoy.config.listener.v3.Listener"
	typeRoutes   = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	typeCluster  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	typeManager  = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
	typeRouter   = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
	typeUpstream = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
	// sourceAddress keeps the caller's address behind the proxy, by which policies know him (pkg/annotation/k8s.go,
	// CECUseOriginalSourceAddress; Cilium sets the same for HTTPRoutes of Services).
	sourceAddress = "cec.cilium.io/use-original-source-address"
)

// proxied writes a CiliumEnvoyConfig for each Service whose requests are repeated or counted, or whose failing pods are taken out. The
// agents add to a listener without an address what enforces policy and reports requests (pkg/ciliumenvoyconfig/
// cec_resource_parser.go): both stand in its way as in that of every other.
func proxied(p *ir.Plan, t *artifact.Tree, m *ir.CiliumMesh) {
	o := backend.NewWriter(p, t, backend.Policy, "CiliumEnvoyConfig")
	for i := range m.Proxied {
		c := &m.Proxied[i]
		meta := backend.Meta{APIVersion: v2, Namespace: c.Namespace, Name: c.Name, From: c.From, Annotations: []ir.KV{{Key: sourceAddress, Value: "true"}}}
		o.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { envoyConfig(y, c) }) })
	}
}

func envoyConfig(y *artifact.YAML, c *ir.CiliumProxied) {
	y.Comment("Who calls these Services by their address passes the listener of the proxy on his own node.")
	y.Seq("services", func() {
		for i := range c.Ports {
			y.From("", c.Ports[i].From...)
			y.Item(func() {
				y.KV("name", c.Service)
				y.KV("namespace", c.Namespace)
				y.Seq("ports", func() { y.Elem(c.Ports[i].Port) })
				y.KV("listener", listener(c.Ports[i].Port))
			})
		}
	})
	y.Fixed()
	y.Comment("Their pods are the clusters' endpoints.")
	y.Seq("backendServices", func() {
		for _, name := range c.Backends() {
			y.From("", c.From...)
			y.Item(func() {
				y.KV("name", name)
				y.KV("namespace", c.Namespace)
				y.Seq("number", func() {
					for _, p := range c.Ports {
						y.Elem(strconv.Itoa(int(p.Port)))
					}
				})
			})
		}
	})
	y.Seq("resources", func() {
		for i := range c.Ports {
			p := &c.Ports[i]
			y.From("", p.From...)
			y.Item(func() { envoyListener(y, p) })
			y.Item(func() { envoyRoutes(y, c, p) })
			for k := range p.Ends {
				y.From("", p.Ends[k].From...)
				y.Item(func() { envoyCluster(y, c, p, &p.Ends[k]) })
			}
		}
	})
	y.Fixed()
}

func listener(port uint16) string { return "port-" + strconv.Itoa(int(port)) }

// cluster is the name of a cluster; with a slash in it the agents would take it for one of somebody else's.
func cluster(c *ir.CiliumProxied, p *ir.ProxiedPort, e *ir.ProxiedEnd) string {
	return fmt.Sprintf("%s:%s:%d", c.Namespace, e.Service, p.Port)
}

func envoyListener(y *artifact.YAML, p *ir.ProxiedPort) {
	y.KV("@type", typeListener)
	y.KV("name", listener(p.Port))
	y.Seq("filter_chains", func() {
		y.Item(func() {
			y.Seq("filters", func() {
				y.Item(func() {
					y.KV("name", "envoy.filters.network.http_connection_manager")
					y.Map("typed_config", func() {
						y.KV("@type", typeManager)
						y.KV("stat_prefix", listener(p.Port))
						y.Map("rds", func() { y.KV("route_config_name", listener(p.Port)) })
						y.KV("use_remote_address", true)
						y.Seq("upgrade_configs", func() { y.Item(func() { y.KV("upgrade_type", "websocket") }) })
						y.Seq("http_filters", func() {
							if p.Limit != nil {
								y.Comment("Each node's proxy counts what callers on that node send.")
								y.Item(func() { backend.LocalRateLimit(y, p.Limit) })
								y.From("", p.From...)
							}
							y.Item(func() {
								y.KV("name", "envoy.filters.http.router")
								y.Map("typed_config", func() { y.KV("@type", typeRouter) })
							})
						})
					})
				})
			})
		})
	})
}

func envoyRoutes(y *artifact.YAML, c *ir.CiliumProxied, p *ir.ProxiedPort) {
	y.KV("@type", typeRoutes)
	y.KV("name", listener(p.Port))
	y.Seq("virtual_hosts", func() {
		y.Item(func() {
			y.KV("name", listener(p.Port))
			y.KV("domains", []string{"*"})
			y.Seq("routes", func() {
				if r := p.Retries; r != nil && len(r.Methods) > 0 {
					y.Comment("Requests of these methods alone are repeated.")
					y.Item(func() { envoyRoute(y, c, p, r) })
					y.Item(func() { envoyRoute(y, c, p, nil) })
				} else {
					y.Item(func() { envoyRoute(y, c, p, r) })
				}
			})
		})
	})
}

// envoyRoute writes a route for all requests, or for those of the methods that are repeated.
func envoyRoute(y *artifact.YAML, c *ir.CiliumProxied, p *ir.ProxiedPort, r *ir.Retries) {
	y.Map("match", func() {
		y.KV("prefix", "/")
		if r == nil || len(r.Methods) == 0 {
			return
		}
		y.Seq("headers", func() {
			y.Item(func() {
				y.KV("name", ":method")
				y.Map("string_match", func() {
					if len(r.Methods) == 1 {
						y.KV("exact", r.Methods[0])
						return
					}
					y.Map("safe_regex", func() { y.KV("regex", strings.Join(r.Methods, "|")) })
				})
			})
		})
	})
	y.Map("route", func() {
		if len(p.Ends) == 1 {
			y.KV("cluster", cluster(c, p, &p.Ends[0]))
		} else {
			y.Map("weighted_clusters", func() {
				y.Seq("clusters", func() {
					for i := range p.Ends {
						y.From("", p.Ends[i].From...)
						y.Item(func() {
							y.KV("name", cluster(c, p, &p.Ends[i]))
							y.KV("weight", p.Ends[i].Weight)
						})
					}
					y.From("", p.From...)
				})
			})
		}
		if p.Timeout == "0s" {
			y.Comment("None: left out it would be 15 s.")
		}
		y.KV("timeout", p.Timeout)
		if r == nil {
			return
		}
		y.Map("retry_policy", func() {
			y.KV("retry_on", strings.Join(r.On, ","))
			y.KV("num_retries", r.Attempts)
			if r.PerTryTimeout != "" {
				y.KV("per_try_timeout", r.PerTryTimeout)
			}
		})
	})
}

// envoyCluster writes the pods of an end. The protocol is the caller's, as for HTTPRoutes.
func envoyCluster(y *artifact.YAML, c *ir.CiliumProxied, p *ir.ProxiedPort, e *ir.ProxiedEnd) {
	y.KV("@type", typeCluster)
	y.KV("name", cluster(c, p, e))
	y.KV("type", "EDS")
	y.Map("eds_cluster_config", func() { y.KV("service_name", fmt.Sprintf("%s/%s:%d", c.Namespace, e.Service, p.Port)) })
	y.KV("connect_timeout", "5s")
	y.KV("lb_policy", "ROUND_ROBIN")
	y.Map("typed_extension_protocol_options", func() {
		y.Map("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", func() {
			y.KV("@type", typeUpstream)
			y.Map("use_downstream_protocol_config", func() { y.Map("http2_protocol_options", func() {}) })
		})
	})
	if o := e.Outlier; o != nil {
		y.Map("outlier_detection", func() {
			y.KV("consecutive_5xx", o.Consecutive5xx)
			y.KV("interval", o.Interval)
			y.KV("base_ejection_time", o.BaseEjectionTime)
			y.KV("max_ejection_percent", o.MaxEjectionPercent)
			y.Comment("Nobody asked for what Envoy would do beside it.")
			y.KV("enforcing_success_rate", 0)
		})
	}
}
