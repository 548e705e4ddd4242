package observability

import (
	"bytes"
	"encoding/json"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// dashboardLabel is that by which the sidecar of Grafana's chart finds ConfigMaps with dashboards (grafana chart,
// sidecar.dashboards.label; kube-prometheus-stack sets the value "1").
var dashboardLabel = ir.KV{Key: "grafana_dashboard", Value: "1"}

// dashboards writes a ConfigMap each, or plain files where rules are files.
func dashboards(p *ir.Plan, t *artifact.Tree) {
	w := backend.NewWriter(p, t, backend.Watch, "ConfigMap")
	for i := range p.Watch.Dashboards {
		d := &p.Watch.Dashboards[i]
		if p.Watch.Files {
			f := t.File("observability/"+p.Name+"/"+d.Name+".dashboard.json", p.From...)
			f.Begin(append(d.From, p.From...)...)
			for line := range strings.Lines(model(d)) {
				f.Line(strings.TrimSuffix(line, "\n"))
			}
			continue
		}
		w.Add(backend.Meta{APIVersion: "v1", Namespace: p.Watch.Namespace, Name: "meshgen-" + d.Name, Labels: []ir.KV{dashboardLabel}, From: append(d.From, p.From...)}, func(y *artifact.YAML) {
			y.Map("data", func() { y.Block(p.Name+"-"+d.Name+".json", model(d)) })
		})
	}
}

// Parts of Grafana's model of a dashboard, those that are written.
type (
	dashboardModel struct {
		UID           string       `json:"uid"`
		Title         string       `json:"title"`
		Tags          []string     `json:"tags"`
		Editable      bool         `json:"editable"`
		SchemaVersion int          `json:"schemaVersion"`
		Time          timeRange    `json:"time"`
		Refresh       string       `json:"refresh"`
		Templating    templating   `json:"templating"`
		Panels        []panelModel `json:"panels"`
	}
	timeRange  struct{ From, To string }
	templating struct {
		List []variable `json:"list"`
	}
	variable struct {
		Name  string `json:"name"`
		Label string `json:"label"`
		Type  string `json:"type"`
		Query string `json:"query"`
	}
	panelModel struct {
		ID          int         `json:"id"`
		Title       string      `json:"title"`
		Type        string      `json:"type"`
		Datasource  datasource  `json:"datasource"`
		GridPos     gridPos     `json:"gridPos"`
		FieldConfig fieldConfig `json:"fieldConfig"`
		Targets     []target    `json:"targets"`
	}
	datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	gridPos struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	fieldConfig struct {
		Defaults  fieldDefaults `json:"defaults"`
		Overrides []string      `json:"overrides"`
	}
	fieldDefaults struct {
		Unit string `json:"unit"`
	}
	target struct {
		RefID  string `json:"refId"`
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
	}
)

// MarshalJSON writes the names in small letters.
func (r timeRange) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"from": r.From, "to": r.To})
}

// Grafana's grid has 24 columns; a panel takes half of them.
const (
	panelWidth  = 12
	panelHeight = 8
	// schemaVersion is that of Grafana 10 and later, which bring older models up to date when they read them.
	schemaVersion = 39
)

// model is a dashboard as Grafana reads it. The variable lets people choose among several Prometheus servers.
func model(d *ir.Dashboard) string {
	m := dashboardModel{
		UID: d.UID, Title: d.Title, Tags: []string{"meshgen"}, SchemaVersion: schemaVersion, Time: timeRange{"now-6h", "now"}, Refresh: "1m",
		Templating: templating{[]variable{{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"}}},
	}
	for i, x := range d.Panels {
		m.Panels = append(m.Panels, panelModel{
			ID: i + 1, Title: x.Title, Type: "timeseries", Datasource: datasource{"prometheus", "${datasource}"},
			GridPos:     gridPos{panelHeight, panelWidth, i % 2 * panelWidth, i / 2 * panelHeight},
			FieldConfig: fieldConfig{fieldDefaults{x.Unit}, []string{}},
			Targets:     []target{{"A", x.Expr, x.Legend}},
		})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		panic(err) // no value here can fail
	}
	return b.String()
}
