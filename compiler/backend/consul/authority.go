package consul

import (
	"encoding/json"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// caAuth is how servers log in to Vault. Without a path of a token they show that of their account, which the pod has
// (hashicorp/consul v1.22.0 agent/connect/ca/provider_vault_auth_k8s.go; read 2026-11-21).
type caAuth struct {
	Type   string            `json:"type"`
	Mount  string            `json:"mount_path"`
	Params map[string]string `json:"params"`
}

// caConfig is what a provider of certificates is told (hashicorp/consul v1.22.0 agent/config/builder.go, agent/structs/connect_ca.go;
// read 2026-11-21). Lives are those of time.ParseDuration.
type caConfig struct {
	Address         string  `json:"address,omitempty"`
	Namespace       string  `json:"namespace,omitempty"`
	CAFile          string  `json:"ca_file,omitempty"`
	Auth            *caAuth `json:"auth_method,omitempty"`
	Root            string  `json:"root_pki_path,omitempty"`
	Intermediate    string  `json:"intermediate_pki_path,omitempty"`
	LeafTTL         string  `json:"leaf_cert_ttl"`
	IntermediateTTL string  `json:"intermediate_cert_ttl,omitempty"`
}

// serverConfig is what the servers read beside the chart's own files.
type serverConfig struct {
	Connect struct {
		Provider string   `json:"ca_provider"`
		Config   caConfig `json:"ca_config"`
	} `json:"connect"`
}

// authority writes who signs for proxies. The chart's own values for Vault would take every other Secret from there as well, by
// an injector of Vault's.
func (e *emitter) authority(y *artifact.YAML) {
	ca := e.k.CA
	if ca == nil {
		return
	}
	y.From("", ca.From...)
	y.Comment("Who signs for proxies. Servers read it when they first start, and then go by what they keep: RUNBOOK.md has how it is changed.")
	y.Block("extraConfig", configOf(ca))
	if v := ca.Vault; v != nil && v.CASecret != "" {
		y.Comment("By whom Vault is known.")
		y.Seq("extraVolumes", func() {
			y.Item(func() {
				y.KV("type", "secret")
				y.KV("name", v.CASecret)
				y.KV("load", false)
				y.Seq("items", func() {
					y.Item(func() {
						y.KV("key", v.CAKey)
						y.KV("path", v.CAKey)
					})
				})
			})
		})
	}
	y.Fixed()
}

// configOf is the part of the servers' configuration that is about their authority.
func configOf(ca *ir.ConsulCA) string {
	var c serverConfig
	c.Connect.Provider, c.Connect.Config.LeafTTL = "consul", ca.LeafTTL
	if v := ca.Vault; v != nil {
		c.Connect.Provider = "vault"
		c.Connect.Config = caConfig{
			Address: v.Address, Namespace: v.Namespace, CAFile: v.CAFile,
			Auth: &caAuth{Type: "kubernetes", Mount: v.AuthPath, Params: map[string]string{"role": v.Role}},
			Root: v.RootPath, Intermediate: v.IntermediatePath, LeafTTL: ca.LeafTTL, IntermediateTTL: v.IntermediateTTL,
		}
	}
	text, _ := json.MarshalIndent(c, "", "  ") // strings alone
	return string(text) + "\n"
}
