// Package types has one field of each form that gen reads.
package types

type Meta struct {
	APIVersion string `json:"apiVersion,omitempty"`
}

type Config struct {
	Meta    `json:",inline"`
	Data    []byte          `json:"data"`
	List    []*string       `json:"list"`
	ByName  map[string]bool `json:"byName"`
	Again   *Config         `json:"again"`
	Mode    Mode            `protobuf:"varint,1,opt,name=mode,proto3,enum=Mode" json:"mode,omitempty"`
	Choice  isConfig_Choice `protobuf_oneof:"choice"`
	Skipped string          `json:"-"`
	private string
}

type Mode int32

var Mode_name = map[int32]string{0: "OFF", 1: "ON"}

type isConfig_Choice interface{ isConfig_Choice() }

type Config_One struct {
	One string `protobuf:"bytes,2,opt,name=one,proto3,oneof"`
}

type Config_Two struct {
	Two int32 `protobuf:"varint,3,opt,name=t_wo,json=two,proto3,oneof"`
}

func (*Config_One) isConfig_Choice() {}

func (*Config_Two) isConfig_Choice() {}
