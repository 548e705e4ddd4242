// Package ir is the plan: everything that the compiler has decided about one site, before a line of output is written.
//
// It comes from lower.Lower and goes to the backends, which print it and decide nothing. Every default that depends on
// another field, every session with both of its ends, every setting with its scope and reason, every caller of every
// service stands here once. Collections are slices in the order in which they are printed; there are no maps, so the
// order is a property of the plan.
//
// Each record says where it comes from: From holds the site paths of the facts behind it, and Why, where a value was
// computed, names the rule or formula. Backends hand both to artifact's writer, which keeps them for each line.
package ir

import (
	"net/netip"
	"slices"
	"strings"
)

// From is the set of site paths ("racks.r1.tors.a.asn") behind a record.
type From []string

// Of returns the paths whose last segment is one of names, for a line that one field of the record decides;
// where no path ends so, the whole set.
func (f From) Of(names ...string) From {
	var out From
	for _, p := range f {
		if slices.Contains(names, p[strings.LastIndexByte(p, '.')+1:]) {
			out = append(out, p)
		}
	}
	if out == nil {
		return f
	}
	return out
}

// Plan is one site, decided.
type Plan struct {
	Name        string // the site's name; a DNS label
	Region      string
	Environment string // production, staging, lab
	Owner       string
	From        From // apiVersion, name

	Cluster      Cluster
	Packets      Packets     // how large packets may be, and what that takes
	Namespaces   []Namespace // by name
	Racks        []Rack      // by name
	Nodes        []Node      // by rack, then name
	Groups       []HostGroup // by name
	HostPods     *HostPods   // nil where no group gets its files by a DaemonSet
	Serial       int         // machines that are changed at once: never a whole rack of more than one
	Switches     []Switch    // ToRs by rack and name, then spines
	Pools        []Pool      // by name
	LoadBalancer LoadBalancer
	KubeVIP      *KubeVIP   // nil for another load balancer
	OpenELB      *OpenELB   // nil for another load balancer
	Balancers    *Balancers // machines in front of the cluster; nil where there are none
	Cilium       *Cilium    // nil where it is neither installed nor the load balancer
	Mesh         Mesh
	Linkerd      *Linkerd      // nil for another mesh
	CiliumMesh   *CiliumMesh   // nil for another mesh
	Federation   *Federation   // nil: the site stands alone
	Consul       *Consul       // nil for another mesh
	Gateways     []Gateway     // by name
	Program      *Program      // that serves gateways for a mesh without one; nil: none
	Services     []Service     // by namespace, then name
	ServiceMarks []ServiceMark // what the mesh reads on Services of others, by namespace, then name
	Exposures    []Exposure    // Services of type LoadBalancer that no gateway serves, by name
	Externals    []External    // by name
	Scraper      *Scraper      // nil when nobody scrapes
	Releases     []Release     // in the order of installation
	Upgrade      *Upgrade      // nil: none under way, or by revisions
	Capacity     Capacity      // what the declared load takes of machines and pools
	Secrets      []Secret      // that objects and switches refer to, by namespace and name
	CertManager  Component     // relied on for certificates of gateways
	Watch        Observability // what is watched, and by whom
	Flows        []Flow        // connections that filters have to let through, by area
	Delivery     Delivery      // how the tree reaches the cluster, and in which order
	Registry     *Registry     // nil: images and charts come from upstream
	Checks       Checks        // what the site looks like when all of the tree is in force
	Changes      Changes
	Waves        []Wave      // in the order in which a change reaches the racks
	Waivers      []Waiver    // in the order of the site
	Findings     []Finding   // for a page that is asked for by itself; nil in a build
	Resilience   *Resilience // nil: nothing is promised
	Patches      []Patch     // in the order in which they are applied
	BreakGlass   *BreakGlass // nil where there is no mesh, or what it refuses is taken away by other means

	Egress        []EgressPolicy // fixed source addresses that the pod network gives, by destination and family
	CalicoEgress  *CalicoEgress  // nil: Calico gives no source addresses
	Calico        *Calico        // nil: Calico announces nothing
	EgressProxies []EgressProxy  // gateways of the mesh on the way out, by name

	Machines []MachineService // Services of machines outside the cluster, by namespace, then name
}

// Namespace is one that meshgen makes and labels.
type Namespace struct {
	Name         string
	Owner        string
	Purpose      string // "services", "gateway", "mesh", "load-balancer", "hosts"
	Meshed       bool   // its pods get the mesh's proxy
	Permissive   bool   // accepts callers from outside the mesh
	PodSecurity  string // enforced Pod Security level: privileged, baseline, restricted
	Environment  string // of this namespace; the site's where not set apart
	InjectLabels []KV   // by which the mesh takes the namespace's pods in, or leaves them out
	Annotations  []KV   // the same, where the mesh reads annotations
	Waypoint     bool   // has a layer-7 proxy of its own
	Early        bool   // stands in the phase of ways out, before the other namespaces
	From         From
}

// KV is a label, annotation or other pair.
type KV struct{ Key, Value string }

// SelectorText is labels as kubectl takes them for a selector: "app=web,tier=front".
func SelectorText(labels []KV) string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l.Key + "=" + l.Value
	}
	return strings.Join(out, ",")
}

// Taint is a node taint. Effect is NoSchedule, PreferNoSchedule or NoExecute.
type Taint struct{ Key, Value, Effect string }

// Release is one chart that is installed with values of ours.
type Release struct {
	Name       string // of the Helm release, and of its folder under charts/<site>/
	Component  string // "istio", "metallb": whose profile row it comes from
	Chart      string // name in the repository
	Repository string // URL, https or oci
	Version    string
	Namespace  string
	Gateway    string       // name of the gateway that it is; "" for others
	Egress     string       // name of the egress gateway that it is; "" for others
	Revision   string       // of the control plane that it is; "" for others
	SkipCRDs   bool         // what its chart holds in crds/ comes from elsewhere
	Images     []ChartValue // that take its images from the site's registry, by key
	Patches    []ChartPatch // of objects that its chart makes, in the order in which they are applied
	Objects    []ObjectRef  // that its chart makes whatever its values say, and patches may aim at
	From       From
}

// HelmChart is the chart as helm takes it on the command line: a name and the repository that has it, or for a registry
// one reference.
func (r *Release) HelmChart() string {
	if strings.HasPrefix(r.Repository, "oci://") {
		return r.Repository + "/" + r.Chart
	}
	return r.Chart + " --repo " + r.Repository
}

// Component is a part of the platform that somebody else installs.
type Component struct {
	Namespace string
	Version   string // "" when the site does not say
	From      From
}

// Scraper is who collects metrics.
type Scraper struct {
	Namespace      string
	ServiceAccount string
	Meshed         bool
	From           From
}

// Prefixes returns the textual prefixes, for lists in output.
func Prefixes(in []netip.Prefix) []string {
	out := make([]string, len(in))
	for i, p := range in {
		out[i] = p.String()
	}
	return out
}

// Addrs returns the textual addresses.
func Addrs(in []netip.Addr) []string {
	out := make([]string, len(in))
	for i, a := range in {
		out[i] = a.String()
	}
	return out
}
