package ir

// Consul is what Consul alone is told. Its services have names without a namespace.
type Consul struct {
	Datacenter   string
	Domain       string // of the certificates of its servers
	GossipSecret string // Secrets in its namespace, and the key of each that is read
	CASecret     string // authority of the servers' certificates
	ServerSecret string // certificate of the servers
	TokenSecret  string // bootstrap token of the access lists
	InjectLabel  KV     // of the namespaces whose pods get a proxy
	CNINamespace string
	Tolerated    int // servers that may be lost
	SpreadKey    string
	Services     []ConsulService // meshed, by name
	Places       []ConsulGateway // of gateways, by name
	Peers        []ConsulPeer    // other sites, by name
	Aliases      []ConsulAlias   // services of theirs that are called, by name
	Permissive   bool            // some service takes plain text
	NextServers  *ConsulServers  // of an upgrade, at its first server; nil: none is under way
	Ways         []ConsulWay     // out of the mesh, by name
	CA           *ConsulCA       // nil: what Consul does by itself
	WAN          *ConsulWAN      // nil: the site is no datacenter of a federation
	From         From
}

// ConsulCA is who signs for proxies. The servers read it when they first start, and then go by what they keep.
type ConsulCA struct {
	LeafTTL string // life of a proxy's certificate, "72h"
	Spare   string // how long nobody may sign before the first certificate ends, "7.2 h"
	Vault   *Vault // nil: the servers sign, with a root that they make and keep
	From    From
}

// Vault is where an authority's keys are, and how the servers come to them: by the token of their account.
type Vault struct {
	Address          string // https
	Namespace        string // of Vault Enterprise; "": none
	AuthPath, Role   string // of Vault's auth method for this cluster
	RootPath         string // of the PKI engine that signs intermediates
	IntermediatePath string // of the one that signs for workloads
	IntermediateTTL  string // life of an intermediate
	Account          string // of the servers
	CASecret, CAKey  string // authority of Vault's own certificate; "": one that the system trusts
	CAFile           string // where the servers find it
	At               External
}

// ConsulWAN makes the site a datacenter of a federation. Configuration is one for all datacenters: each writes what is of its
// own services, and the primary what holds for all.
type ConsulWAN struct {
	Primary   string   // site that keeps the root and the access lists
	Secondary bool     // this site is another one
	Gateways  []string // of the primary, address and port; none at the primary itself
	API       string   // URL of this site's API server, which the primary's servers ask who logs in; "" at the primary itself
	From      From
}

// ConsulServers are servers of another release beside those that run.
type ConsulServers struct {
	Image     string
	Partition int // number of the first one of them
	From      From
}

// ConsulPeer is another site, with servers and an authority of its own.
type ConsulPeer struct {
	Name    string
	Accepts bool     // this site makes the token, and the peer brings it
	Secret  string   // that holds it
	Exports []string // services that it may know, by name
	From    From
}

// ConsulAlias is the name by which callers know a service of another site. With Datacenter it is the service's own.
type ConsulAlias struct {
	Name, Service, Peer string
	Datacenter          string
	Callers             []ConsulCaller
	From                From
}

// ConsulService is the configuration of one service.
type ConsulService struct {
	Namespace, Name string
	Machine         bool   // it is machines outside the cluster, without a proxy
	Protocol        string // http, http2, grpc, tcp
	Permissive      bool   // takes plain text too, for which intentions do not hold
	Migrating       bool   // the mode is being changed, and said in every stage
	PermissiveFrom  From
	DialedFrom      From           // callers dial its pods, which its Service has no address for; nil: they dial that of the Service
	Callers         []ConsulCaller // by name; empty: nobody
	Token           *JWT           // that all callers must bring; nil: none
	Upstreams       []ConsulUpstream
	Routes          []ConsulRoute // of callers' requests, in order; empty: nobody makes any
	Split           []Weighted
	Datacenter      string // where callers of other datacenters find it; "": none calls it
	DatacenterFrom  From
	From            From
	RoutesFrom      From
	ExposedFrom     From // nil: no gateway leads to it
}

// ConsulCaller is one source of a service's intentions.
type ConsulCaller struct {
	Name        string
	Peer        string             // the peer that it is of; "" for this site, and where names are one for all datacenters
	Away        bool               // it is of another datacenter, and its name is one for all
	Permissions []ConsulPermission // empty: everything
	From        From
}

// ConsulPermission is a kind of request that a caller may make. Methods empty: all; Path.Value "": all.
type ConsulPermission struct {
	Path    Path // by characters, not by segments
	Methods []string
}

// ConsulUpstream is how a service treats the endpoints of one that it calls.
type ConsulUpstream struct {
	Name    string
	Outlier Outlier
}

// ConsulRoute is what becomes of requests with certain methods; Methods empty: of the others.
type ConsulRoute struct {
	Methods []string
	Timeout string // less than 0: none
	Retries int
	RetryOn []string
}

// ConsulGateway is where the pods of one gateway stand.
type ConsulGateway struct {
	Gateway string
	Label   KV  // of the nodes of its class in several racks, and in no others; Key "": class and rack say it
	Offset  int // added to ports below 1024, which the pods do not bind
}
