package site

// Resilience is what the site promises to survive.
type Resilience struct {
	Survive         []string `json:"survive"`         // node, tor, rack, spine: one of each at a time
	MinimumCapacity string   `json:"minimumCapacity"` // percentage left during such a loss, "50%"
}

// ChangeBudget bounds what one change may touch.
type ChangeBudget struct {
	RacksAtOnce  int `json:"racksAtOnce"`  // default 1
	NodesPercent int `json:"nodesPercent"` // default 20
}

// Maintenance is when changes may happen.
type Maintenance struct {
	Windows []Window `json:"windows"`
}

// Window is a weekly span of time.
type Window struct {
	Days     []string `json:"days"`     // mon to sun
	From     string   `json:"from"`     // "02:00"
	To       string   `json:"to"`       // "05:00"; before From: the next day
	TimeZone string   `json:"timeZone"` // IANA name, default "UTC"
}

// Observability is who watches the site.
type Observability struct {
	Scraper    *Scraper          `json:"scraper"`    // nil: nothing is opened for one
	RuleLabels map[string]string `json:"ruleLabels"` // labels of each PrometheusRule and PodMonitor
	Rules      string            `json:"rules"`      // operator or files; default operator
	Tracing    *Tracing          `json:"tracing"`    // nil: off
	AccessLogs string            `json:"accessLogs"` // off, errors or all; default errors
	Dashboards bool              `json:"dashboards"` // default false
}

// Scraper is the workload that collects metrics.
type Scraper struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	Meshed         bool   `json:"meshed"` // default false
}

// Tracing is where spans go.
type Tracing struct {
	OTLP            string  `json:"otlp"`            // "service.namespace:port", gRPC
	SamplingPercent float64 `json:"samplingPercent"` // 0-100, default 1
}

// Secrets is what makes Secrets out of names.
type Secrets struct {
	Provider string `json:"provider"` // external-secrets
	Store    string `json:"store"`    // ClusterSecretStore
	Prefix   string `json:"prefix"`   // of each key in the store; default ""
}

// Delivery is how the output reaches cluster and hosts.
type Delivery struct {
	Kind       string `json:"kind"`       // kustomize, argocd or flux; default kustomize
	Repository string `json:"repository"` // URL of the repository that holds the output; "" when not given
	Revision   string `json:"revision"`   // branch or tag, default "main"
	// RepositorySecret is the Secret with which Flux reads it; "" for none.
	RepositorySecret string   `json:"repositorySecret"`
	Path             string   `json:"path"`  // of the output in the repository, default "out"
	Hosts            []string `json:"hosts"` // files, ansible, cloud-init, ignition, talos, daemonset; default files
	// HostsImage is that of the pods of form daemonset; "" for none.
	HostsImage string `json:"hostsImage"`
}

// Registry is where images and charts come from instead of upstream.
type Registry struct {
	Images     string `json:"images"`     // host and path; "" for upstream
	Charts     string `json:"charts"`     // oci:// URL; "" for upstream
	PullSecret string `json:"pullSecret"` // name; "" for none
}
