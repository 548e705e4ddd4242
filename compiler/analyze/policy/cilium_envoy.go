package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ciliumEnvoy is a cilium.io CiliumEnvoyConfig: requests to the addresses of its Services pass listeners of the proxies on
// the callers' nodes. The agents add to a listener without an address what enforces policy there.
type ciliumEnvoy struct {
	meta
	spec struct {
		Services []struct {
			Name      string   `json:"name"`
			Namespace string   `json:"namespace"`
			Ports     []uint16 `json:"ports"`
			Listener  string   `json:"listener"`
		} `json:"services"`
		BackendServices []struct {
			Name      string   `json:"name"`
			Namespace string   `json:"namespace"`
			Number    []string `json:"number"`
		} `json:"backendServices"`
		Resources []json.RawMessage `json:"resources"`
	}
	routes   map[string]string // of a listener: the name of its route configuration
	tables   map[string][]envoyRoute
	clusters map[string]Lead
}

// envoyRoute is a route of a RouteConfiguration; the first that takes a request holds.
type envoyRoute struct {
	Match struct {
		Prefix  string `json:"prefix"`
		Headers []struct {
			Name        string `json:"name"`
			StringMatch struct {
				Exact     string `json:"exact"`
				SafeRegex struct {
					Regex string `json:"regex"`
				} `json:"safe_regex"`
			} `json:"string_match"`
		} `json:"headers"`
	} `json:"match"`
	Route struct {
		Cluster          string `json:"cluster"`
		WeightedClusters struct {
			Clusters []struct {
				Name   string `json:"name"`
				Weight int    `json:"weight"`
			} `json:"clusters"`
		} `json:"weighted_clusters"`
		Timeout     any `json:"timeout"`
		RetryPolicy any `json:"retry_policy"`
	} `json:"route"`
}

// understood takes the resources apart. What would change an answer and is not known is an error: another filter, a listener with
// an address of its own, where nothing enforces policy, or a source address that is not the caller's.
func (e *ciliumEnvoy) understood() error {
	var head struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := decode(e.node, &head, false); err != nil {
		return err
	}
	if head.Metadata.Annotations["cec.cilium.io/use-original-source-address"] != "true" {
		return fmt.Errorf("a CiliumEnvoyConfig behind which callers have another address is not understood")
	}
	e.routes, e.tables, e.clusters = map[string]string{}, map[string][]envoyRoute{}, map[string]Lead{}
	for _, text := range e.spec.Resources {
		var kind struct {
			Type string `json:"@type"`
		}
		if err := unmarshal(text, &kind, false); err != nil {
			return err
		}
		var err error
		switch kind.Type[strings.LastIndexByte(kind.Type, '.')+1:] {
		case "Listener":
			err = e.listener(text)
		case "RouteConfiguration":
			err = e.table(text)
		case "Cluster":
			err = e.cluster(text)
		default:
			err = fmt.Errorf("a resource of type %q is not understood", kind.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *ciliumEnvoy) listener(text []byte) error {
	type filter struct {
		Name        string          `json:"name"`
		TypedConfig json.RawMessage `json:"typed_config"`
	}
	var l struct {
		Type         string `json:"@type"`
		Name         string `json:"name"`
		FilterChains []struct {
			Filters []filter `json:"filters"`
		} `json:"filter_chains"`
	}
	if err := unmarshal(text, &l, true); err != nil {
		return err
	}
	if len(l.FilterChains) != 1 || len(l.FilterChains[0].Filters) != 1 || l.FilterChains[0].Filters[0].Name != "envoy.filters.network.http_connection_manager" {
		return fmt.Errorf("listener %q has filters that are not understood", l.Name)
	}
	var manager struct {
		Type       string `json:"@type"`
		StatPrefix string `json:"stat_prefix"`
		RDS        struct {
			Name string `json:"route_config_name"`
		} `json:"rds"`
		UseRemoteAddress bool     `json:"use_remote_address"`
		UpgradeConfigs   any      `json:"upgrade_configs"`
		HTTPFilters      []filter `json:"http_filters"`
	}
	if err := unmarshal(l.FilterChains[0].Filters[0].TypedConfig, &manager, true); err != nil {
		return err
	}
	filters := slices.DeleteFunc(manager.HTTPFilters, func(f filter) bool { return f.Name == "envoy.filters.http.local_ratelimit" }) // it refuses nobody for good
	if len(filters) != 1 || filters[0].Name != "envoy.filters.http.router" {
		return fmt.Errorf("listener %q has filters of requests that are not understood", l.Name)
	}
	e.routes[l.Name] = manager.RDS.Name
	return nil
}

func (e *ciliumEnvoy) table(text []byte) error {
	var c struct {
		Type         string `json:"@type"`
		Name         string `json:"name"`
		VirtualHosts []struct {
			Name    string       `json:"name"`
			Domains []string     `json:"domains"`
			Routes  []envoyRoute `json:"routes"`
		} `json:"virtual_hosts"`
	}
	if err := unmarshal(text, &c, true); err != nil {
		return err
	}
	if len(c.VirtualHosts) != 1 || !slices.Equal(c.VirtualHosts[0].Domains, []string{"*"}) {
		return fmt.Errorf("route configuration %q is not one for all hosts", c.Name)
	}
	e.tables[c.Name] = c.VirtualHosts[0].Routes
	return nil
}

func (e *ciliumEnvoy) cluster(text []byte) error {
	var c struct {
		Name             string `json:"name"`
		Type             string `json:"type"`
		EDSClusterConfig struct {
			ServiceName string `json:"service_name"`
		} `json:"eds_cluster_config"`
		LoadAssignment any `json:"load_assignment"`
	}
	if err := unmarshal(text, &c, false); err != nil {
		return err
	}
	if c.Type != "EDS" || c.LoadAssignment != nil {
		return fmt.Errorf("cluster %q is not the pods of a Service", c.Name)
	}
	name, port, _ := strings.Cut(c.EDSClusterConfig.ServiceName, ":")
	namespace, service, _ := strings.Cut(name, "/")
	l := Lead{Namespace: namespace, Name: service}
	if _, err := fmt.Sscan(port, &l.Port); err != nil {
		return fmt.Errorf("cluster %q: port of %q: %w", c.Name, c.EDSClusterConfig.ServiceName, err)
	}
	for _, b := range e.spec.BackendServices {
		if b.Namespace == namespace && b.Name == service && slices.Contains(b.Number, port) {
			e.clusters[c.Name] = l // without it the cluster has no endpoints
		}
	}
	return nil
}

// ciliumRoute is the route of requests to the address of a Service: of the listener of a CiliumEnvoyConfig, or of its
// HTTPRoute, of which Cilium makes one. Two for one Service is not defined.
func (m *Model) ciliumRoute(to *Workload, port Port, req Request) (Step, []Lead) {
	at := to.Namespace + "/" + to.Name
	var own *ciliumEnvoy
	listener := ""
	for i := range m.envoys {
		e := &m.envoys[i]
		for _, s := range e.spec.Services {
			if s.Namespace != to.Namespace || s.Name != to.Name {
				continue
			}
			if own != nil && own != e || slices.ContainsFunc(m.routes, func(r httpRoute) bool { return r.ofService(to, port) }) {
				return Step{Layer: Route, At: at, Object: e.Object, Effect: Refuse, Why: "another object is about the same Service: which of them holds is not defined"}, nil
			}
			own = e
			if len(s.Ports) == 0 || slices.Contains(s.Ports, port.Port) {
				listener = s.Listener
			}
		}
	}
	if listener == "" {
		return m.waypointRoute(at, to, port, req)
	}
	s := Step{Layer: Route, At: at, Object: own.Object, Effect: Refuse, Why: "no route takes " + req.Method + " " + req.Path}
	for _, r := range own.tables[own.routes[listener]] {
		if !r.takes(req) {
			continue
		}
		weighted := r.Route.WeightedClusters.Clusters
		if r.Route.Cluster != "" {
			weighted = append(weighted[:0:0], struct {
				Name   string `json:"name"`
				Weight int    `json:"weight"`
			}{r.Route.Cluster, 100})
		}
		var leads []Lead
		for _, c := range weighted {
			l, ok := own.clusters[c.Name]
			if !ok {
				s.Why = fmt.Sprintf("cluster %q has no endpoints", c.Name)
				return s, nil
			}
			l.Weight = c.Weight
			leads = append(leads, l)
		}
		s.Effect, s.Why = Allow, "takes the request"
		return s, leads
	}
	return s, nil
}

func (r *envoyRoute) takes(req Request) bool {
	if !strings.HasPrefix(req.Path, r.Match.Prefix) {
		return false
	}
	for _, h := range r.Match.Headers {
		expression := h.StringMatch.SafeRegex.Regex
		if h.Name != ":method" || expression == "" && h.StringMatch.Exact != req.Method || expression != "" && !whole(expression, req.Method) {
			return false
		}
	}
	return true
}
