package site

// Namespace is a Kubernetes namespace and the services in it.
type Namespace struct {
	Owner       string              `json:"owner"`       // "": the site's
	PodSecurity string              `json:"podSecurity"` // privileged, baseline or restricted; default baseline
	Mesh        bool                `json:"mesh"`        // its pods are in the mesh; default true
	MTLS        string              `json:"mtls"`        // strict or permissive; "": as Mesh.MTLS says
	Migration   *Migration          `json:"migration"`   // nil: none under way
	Environment string              `json:"environment"` // "": the site's
	Waypoint    bool                `json:"waypoint"`    // a layer-7 proxy of its own, ambient mesh; default false
	Services    map[string]*Service `json:"services"`    // by Service name
}

// Migration is a change of a namespace's mTLS mode in steps.
type Migration struct {
	Stage  string `json:"stage"`  // observe, permissive or strict
	Target string `json:"target"` // permissive or strict
}

// Service is a Kubernetes Service and the workload behind it. meshgen refers to both and makes neither.
type Service struct {
	Workload         string            `json:"workload"`       // Deployment, StatefulSet, DaemonSet, Job, CronJob or VM; default Deployment
	Headless         bool              `json:"headless"`       // default false
	ServiceAccount   string            `json:"serviceAccount"` // "": the service's name
	Labels           map[string]string `json:"labels"`         // of its pods; empty: app.kubernetes.io/name: the service's name
	Addresses        []string          `json:"addresses"`      // of a VM
	Ports            map[string]*Port  `json:"ports"`          // by name
	Health           *Health           `json:"health"`         // nil: probes use the ports above
	Expose           []Expose          `json:"expose"`         //
	Calls            []string          `json:"calls"`          // "namespace/service" or "site:namespace/service"
	Federated        bool              `json:"federated"`      // one with those of its name at other sites; default false
	Egress           []string          `json:"egress"`         // names in Site.External
	Allow            []Allow           `json:"allow"`          // given: exactly these callers; nil: all that declare a call
	Timeout          string            `json:"timeout"`        // duration of a whole request; "" for none
	Retries          *Retries          `json:"retries"`
	Split            []SplitTarget     `json:"split"`
	OutlierDetection *OutlierDetection `json:"outlierDetection"`
	RateLimit        *RateLimit        `json:"rateLimit"`
	Fault            *Fault            `json:"fault"`
	JWT              *JWT              `json:"jwt"`
}

// Port is a port of a Service.
type Port struct {
	Port       int    `json:"port"`
	TargetPort int    `json:"targetPort"` // of the container; 0: the same number
	Protocol   string `json:"protocol"`   // http, https, tls, tcp, udp or grpc
}

// Health is where the kubelet asks whether a pod is well.
type Health struct {
	Port int    `json:"port"`
	Path string `json:"path"` // default "/"
}

// Expose makes a service reachable through a gateway.
type Expose struct {
	Gateway  string     `json:"gateway"`  // name in Site.Gateways
	Listener string     `json:"listener"` // "": every listener that fits
	Host     string     `json:"host"`     // DNS name that clients ask for
	Path     *PathMatch `json:"path"`     // nil: not given
}

// Allow names callers, and what they may do.
type Allow struct {
	From    []string    `json:"from"`    // "namespace/service"
	Methods []string    `json:"methods"` // HTTP methods; empty: all
	Paths   []PathMatch `json:"paths"`   // empty: all
}

// Retries is when and how often a failed request is sent again.
type Retries struct {
	Attempts      int      `json:"attempts"`      // besides the first
	PerTryTimeout string   `json:"perTryTimeout"` // duration; "" for none
	On            []string `json:"on"`            // connect-failure, refused-stream, reset, gateway-error, 5xx
	Methods       []string `json:"methods"`       // HTTP methods that may be repeated
}

// SplitTarget is one share of a service's traffic.
type SplitTarget struct {
	Service string `json:"service"` // in the same namespace
	Weight  int    `json:"weight"`  // percent
}

// OutlierDetection takes failing endpoints out of load balancing.
type OutlierDetection struct {
	Consecutive5xx     int    `json:"consecutive5xx"`     // default 5
	Interval           string `json:"interval"`           // duration, default "10s"
	BaseEjectionTime   string `json:"baseEjectionTime"`   // duration, default "30s"
	MaxEjectionPercent int    `json:"maxEjectionPercent"` // default 10
}

// RateLimit bounds the requests that one replica takes.
type RateLimit struct {
	RequestsPerSecond int `json:"requestsPerSecond"`
}

// Fault injects faults on purpose.
type Fault struct {
	Delay *Delay `json:"delay"`
	Until string `json:"until"` // last day, "2027-01-31"
}

// Delay holds back a share of requests.
type Delay struct {
	Percent  float64 `json:"percent"`
	Duration string  `json:"duration"`
}

// JWT asks callers for a token.
type JWT struct {
	Issuer    string   `json:"issuer"` // URL
	Audiences []string `json:"audiences"`
	JWKSURI   string   `json:"jwksURI"` // URL of the issuer's keys; "": the mesh asks the issuer
}
