package verify

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// The API server looks at nothing of a CiliumEnvoyConfig's resources, and an agent that cannot read one leaves its Services
// without a listener. These are the fields that the tree uses, as Envoy v1.37 knows them; a duration is in seconds, as in
// JSON of protocol buffers.
type envoyResource struct {
	Type         string         `json:"@type"`
	Name         string         `json:"name"`
	FilterChains []envoyChain   `json:"filter_chains"` // Listener
	VirtualHosts []envoyHost    `json:"virtual_hosts"` // RouteConfiguration
	Kind         string         `json:"type"`          // Cluster, and what follows
	EDS          *envoyEDS      `json:"eds_cluster_config"`
	Connect      string         `json:"connect_timeout"`
	Policy       string         `json:"lb_policy"`
	Options      map[string]any `json:"typed_extension_protocol_options"`
	Outlier      *envoyOutlier  `json:"outlier_detection"`
}

type envoyChain struct {
	Filters []struct {
		Name   string `json:"name"`
		Config struct {
			Type   string `json:"@type"`
			Prefix string `json:"stat_prefix"`
			RDS    struct {
				Name string `json:"route_config_name"`
			} `json:"rds"`
			Remote   bool `json:"use_remote_address"`
			Upgrades []struct {
				Type string `json:"upgrade_type"`
			} `json:"upgrade_configs"`
			Filters []struct {
				Name   string `json:"name"`
				Config struct {
					Type     string         `json:"@type"`
					Prefix   string         `json:"stat_prefix"` // local_ratelimit, and what follows
					Bucket   *envoyBucket   `json:"token_bucket"`
					Enabled  *envoyFraction `json:"filter_enabled"`
					Enforced *envoyFraction `json:"filter_enforced"`
				} `json:"typed_config"`
			} `json:"http_filters"`
		} `json:"typed_config"`
	} `json:"filters"`
}

type envoyBucket struct {
	Most  int    `json:"max_tokens"`
	Fill  int    `json:"tokens_per_fill"`
	Every string `json:"fill_interval"`
}

type envoyFraction struct {
	Value struct {
		Numerator   int    `json:"numerator"`
		Denominator string `json:"denominator"`
	} `json:"default_value"`
}

func (f *envoyFraction) always() bool {
	return f != nil && f.Value.Numerator == 100 && f.Value.Denominator == "HUNDRED"
}

type envoyHost struct {
	Name    string   `json:"name"`
	Domains []string `json:"domains"`
	Routes  []struct {
		Match struct {
			Prefix  string `json:"prefix"`
			Headers []struct {
				Name  string `json:"name"`
				Match struct {
					Exact string `json:"exact"`
					Regex *struct {
						Regex string `json:"regex"`
					} `json:"safe_regex"`
				} `json:"string_match"`
			} `json:"headers"`
		} `json:"match"`
		Route struct {
			Cluster  string `json:"cluster"`
			Weighted *struct {
				Clusters []struct {
					Name   string `json:"name"`
					Weight int    `json:"weight"`
				} `json:"clusters"`
			} `json:"weighted_clusters"`
			Timeout string `json:"timeout"`
			Retry   *struct {
				On      string `json:"retry_on"`
				Retries int    `json:"num_retries"`
				Try     string `json:"per_try_timeout"`
			} `json:"retry_policy"`
		} `json:"route"`
	} `json:"routes"`
}

type envoyEDS struct {
	Service string `json:"service_name"`
}

type envoyOutlier struct {
	Consecutive int    `json:"consecutive_5xx"`
	Interval    string `json:"interval"`
	Base        string `json:"base_ejection_time"`
	Percent     int    `json:"max_ejection_percent"`
	SuccessRate int    `json:"enforcing_success_rate"`
}

// Words of Envoy's router for what is sent again (v1.37 docs, config_http_filters_router_x-envoy-retry-on).
var envoyRetryOn = []string{"5xx", "connect-failure", "gateway-error", "refused-stream", "reset"}

var envoyDuration = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,9})?s$`)

// envoyFilters are compiled into Cilium's Envoy and used here (cilium/proxy v1.37 envoy_build_config).
var envoyFilters = []string{"envoy.filters.network.http_connection_manager", "envoy.filters.http.local_ratelimit", "envoy.filters.http.router"}

const envoyLimitType = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"

const ciliumSourceAddress = "cec.cilium.io/use-original-source-address"

// checkCiliumEnvoy holds the resources of a CiliumEnvoyConfig to each other, and its Services to their other routes.
func (p *pass) checkCiliumEnvoy(o *object) {
	if str(o.value, "metadata", "annotations", ciliumSourceAddress) != "true" {
		o.report(p, ruleReference, fieldPath{"metadata", "annotations"}, "%s is not \"true\": policies would take every caller for a gateway", ciliumSourceAddress)
	}
	resources := fieldPath{"spec", "resources"}
	read := map[string]*envoyResource{} // by the end of the type, and the name
	ports := map[string]bool{}          // "namespace/name:port" with endpoints
	for _, b := range list(o.value, "spec", "backendServices") {
		for _, n := range strs(b, "number") {
			ports[str(b, "namespace")+"/"+str(b, "name")+":"+n] = true
		}
	}
	for i, v := range list(o.value, "spec", "resources") {
		text, err := json.Marshal(v)
		if err != nil {
			continue // an object that is no JSON is reported elsewhere
		}
		var r envoyResource
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			o.report(p, ruleReference, resources.at(i), "Envoy would not read it: %v", err)
			continue
		}
		key := r.Type[strings.LastIndexByte(r.Type, '.')+1:] + " " + r.Name
		if read[key] != nil {
			o.report(p, ruleReference, resources.at(i), "%s stands twice", key)
		}
		read[key] = &r
	}
	for i, v := range list(o.value, "spec", "resources") {
		if r := read[str(v, "@type")[strings.LastIndexByte(str(v, "@type"), '.')+1:]+" "+str(v, "name")]; r != nil {
			p.checkEnvoyResource(o, resources.at(i), r, read, ports)
		}
	}
	for i, s := range list(o.value, "spec", "services") {
		at := fieldPath{"spec", "services"}.at(i)
		if str(s, "namespace") != o.namespace {
			o.report(p, ruleReference, at.to("namespace"), "the Service is of another namespace than the listener")
		}
		if read["Listener "+str(s, "listener")] == nil {
			o.report(p, ruleReference, at.to("listener"), "there is no listener %q", str(s, "listener"))
		}
		for _, other := range p.objects {
			if other == o || other.namespace != o.namespace || other.within != nil {
				continue
			}
			rival := other.is("gateway.networking.k8s.io", "HTTPRoute") && slices.ContainsFunc(list(other.value, "spec", "parentRefs"), func(r any) bool {
				return str(r, "kind") == "Service" && str(r, "name") == str(s, "name")
			}) || other.is(ciliumGroup, "CiliumEnvoyConfig") && slices.ContainsFunc(list(other.value, "spec", "services"), func(r any) bool {
				return str(r, "name") == str(s, "name")
			})
			if rival {
				o.report(p, ruleReference, at.to("name"), "%s %s is about Service %q too: which of the two holds is not defined", other.kind, other.name, str(s, "name"))
			}
		}
	}
}

func (p *pass) checkEnvoyResource(o *object, at fieldPath, r *envoyResource, read map[string]*envoyResource, ports map[string]bool) {
	duration := func(text string) {
		if text != "" && !envoyDuration.MatchString(text) {
			o.report(p, ruleReference, at, "%q is no duration in seconds", text)
		}
	}
	switch r.Type {
	case "type.googleapis.com/envoy.config.listener.v3.Listener":
		for _, c := range r.FilterChains {
			for _, f := range c.Filters {
				for k, inner := range f.Config.Filters {
					if !slices.Contains(envoyFilters, inner.Name) {
						o.report(p, ruleReference, at, "filter %q is none that the tree uses", inner.Name)
					}
					if last := k == len(f.Config.Filters)-1; last != (inner.Name == "envoy.filters.http.router") {
						o.report(p, ruleReference, at, "the router, and that alone, is the last of the filters of requests")
					}
					if x := inner.Config; inner.Name == "envoy.filters.http.local_ratelimit" &&
						(x.Type != envoyLimitType || x.Prefix == "" || x.Bucket == nil || x.Bucket.Most < 1 || x.Bucket.Fill < 1 || !x.Enabled.always() || !x.Enforced.always()) {
						o.report(p, ruleReference, at, "a bound of requests that refuses nobody, or that Envoy does not read")
					} else if x.Bucket != nil {
						duration(x.Bucket.Every)
					}
				}
				if !slices.Contains(envoyFilters, f.Name) {
					o.report(p, ruleReference, at, "filter %q is none that the tree uses", f.Name)
				} else if read["RouteConfiguration "+f.Config.RDS.Name] == nil {
					o.report(p, ruleReference, at, "there is no RouteConfiguration %q", f.Config.RDS.Name)
				}
			}
		}
	case "type.googleapis.com/envoy.config.route.v3.RouteConfiguration":
		for _, h := range r.VirtualHosts {
			for i, route := range h.Routes {
				names, sum := []string{route.Route.Cluster}, 100
				if w := route.Route.Weighted; w != nil {
					names, sum = nil, 0
					for _, c := range w.Clusters {
						names, sum = append(names, c.Name), sum+c.Weight
					}
				}
				if sum != 100 {
					o.report(p, ruleReference, at, "the shares of a route are %d percent together", sum)
				}
				for _, name := range names {
					if read["Cluster "+name] == nil {
						o.report(p, ruleReference, at, "there is no Cluster %q", name)
					}
				}
				if last := i == len(h.Routes)-1; last == (len(route.Match.Headers) > 0) {
					o.report(p, ruleReference, at, "the last route, and that alone, takes every request")
				}
				duration(route.Route.Timeout)
				if retry := route.Route.Retry; retry != nil {
					duration(retry.Try)
					for word := range strings.SplitSeq(retry.On, ",") {
						if !slices.Contains(envoyRetryOn, word) {
							o.report(p, ruleReference, at, "Envoy's router knows no %q", word)
						}
					}
				}
			}
		}
	case "type.googleapis.com/envoy.config.cluster.v3.Cluster":
		if r.Kind != "EDS" || r.EDS == nil || !ports[r.EDS.Service] {
			o.report(p, ruleReference, at, "its pods are those of no port of backendServices: it has no endpoints")
		}
		if strings.Contains(r.Name, "/") {
			o.report(p, ruleReference, at, "with a slash in its name the agents take it for one of another object")
		}
		if x := r.Outlier; x != nil {
			duration(x.Interval)
			duration(x.Base)
		}
		duration(r.Connect)
	default:
		o.report(p, ruleReference, at, "type %q is none that the tree uses", r.Type)
	}
}
