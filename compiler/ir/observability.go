package ir

// Observability is what watches the site: rules, monitors, and the rights that reading metrics needs. Where it is not
// Active nobody watches, and nothing of it is written.
type Observability struct {
	Active    bool
	Files     bool        // rules are plain files; else objects of the Prometheus operator, with monitors beside them
	Namespace string      // of rule and monitor objects: the scraper's own, where each operator looks; "" with files and no scraper
	Labels    []KV        // of each such object, by which the operator finds it; sorted by key
	Groups    []RuleGroup // in the order of the runbook
	Monitors  []Monitor   // by name; none with Files
	Access    []string    // namespaces in which the scraper looks for targets, sorted
	Reader    *Scraper    // whose ServiceAccount gets Access, and the right to read protected metrics; nil for nobody
	Series    Series

	Dashboards []Dashboard
	From       From
}

// Dashboard is a page of panels for Grafana.
type Dashboard struct {
	Name   string // "ways-in"
	Title  string
	UID    string // the same in every build, and another for each site
	Panels []Panel
	From   From
}

// Panel is a graph over time.
type Panel struct {
	Title, Unit, Legend, Expr string
}

// RuleGroup is a set of rules that are evaluated together, in their order.
type RuleGroup struct {
	Name  string // "conntrack-and-ports"; also the name of its file
	Rules []Rule
	From  From
}

// Rule is an alert, or a series that other rules read.
type Rule struct {
	Alert       string // CamelCase; "" for a recorded series
	Record      string // name of the series; "" for an alert
	Expr        string // PromQL
	For         string // how long it must hold, "5m"
	Severity    string // critical: wake somebody; warning: in working hours
	Labels      []KV   // besides severity and site
	Summary     string
	Description string // with facts of this site, and templates of Prometheus
	Runbook     string // anchor in the site's runbook, without "#"
	Why         string
	From        From // what the rule as a whole comes from
}

// Monitor tells the operator what to scrape.
type Monitor struct {
	Kind        string   // PodMonitor, or ServiceMonitor where the scraper must show its own token
	Name        string   // of the object
	Job         string   // value of the job label of its series
	Reason      string   // one line or more
	Namespaces  []string // of the targets
	Selector    []KV     // labels of the pods, or of Service; empty: every pod that has the port
	Ports       []string // names of container ports; of ServicePorts for a ServiceMonitor
	Dial        uint16   // the port to ask instead of the named one; 0: the named one
	Budgeted    bool     // its targets are the proxies that the budget of series is for
	Path        string
	HTTPS       bool // with a certificate that nobody vouches for, and the scraper's token
	HonorLabels bool // labels of the series win over those of the target
	NodeLabel   bool // series get the node of their pod as label node
	Drop        []Drop
	Service     *MetricsService // that a ServiceMonitor goes by; nil for a PodMonitor
	Why         string
	From        From
}

// Drop is a set of series that are not kept.
type Drop struct {
	Metrics string // regular expression on the name, anchored at both ends
	Reason  string
}

// MetricsService is a headless Service that stands for the metrics ports of a component's pods.
type MetricsService struct {
	Namespace, Name string
	Labels          []KV // by which the monitor finds it
	Selector        []KV // labels of the pods
	Ports           []MetricsPort
}

// MetricsPort is one port of a MetricsService; pods have the same.
type MetricsPort struct {
	Name string
	Port uint16
}

// Series is the number of series of the mesh's proxies, in the terms of its formula
// (Total = Proxies x PerProxy; PerProxy = Base + Edges x PerEdge).
type Series struct {
	Proxies  int // declared pods a node x nodes that take pods, and the gateways' replicas
	Base     int // of a proxy without traffic
	Edges    int // callers and callees of a service, the mean rounded up
	PerEdge  int // of one edge at one end
	PerProxy int
	Total    int
	Why      string
	From     From
}
