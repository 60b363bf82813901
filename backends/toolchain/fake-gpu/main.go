// Fake-gpu is a device plugin of Nomad for GPUs that are not there. What schedules, reserves and
// counts them is Nomad itself, so that a step which asks for one is placed as on a machine with
// some; only the cards are made up.
package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/nomad/plugins"
	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/device"
	"github.com/hashicorp/nomad/plugins/shared/hclspec"
	"github.com/hashicorp/nomad/plugins/shared/structs"
)

const (
	name   = "fake-gpu"
	vendor = "nvidia"
	model  = "FAKE"
	memory = 40 // GiB of each
)

type gpus struct {
	count int
}

// settings is what the plugin's block in the agent's configuration says.
type settings struct {
	Count int `codec:"count"`
}

func main() {
	plugins.Serve(func(hclog.Logger) interface{} { return &gpus{} })
}

func (g *gpus) PluginInfo() (*base.PluginInfoResponse, error) {
	return &base.PluginInfoResponse{
		Type:              base.PluginTypeDevice,
		PluginApiVersions: []string{device.ApiVersion010},
		PluginVersion:     "v0.0.1",
		Name:              name,
	}, nil
}

func (g *gpus) ConfigSchema() (*hclspec.Spec, error) {
	return hclspec.NewObject(map[string]*hclspec.Spec{
		"count": hclspec.NewAttr("count", "number", true),
	}), nil
}

func (g *gpus) SetConfig(config *base.Config) error {
	var said settings
	if err := base.MsgPackDecode(config.PluginConfig, &said); err != nil {
		return err
	}
	g.count = said.Count
	return nil
}

// Fingerprint tells of the cards once: none comes or goes.
func (g *gpus) Fingerprint(ctx context.Context) (<-chan *device.FingerprintResponse, error) {
	found := make(chan *device.FingerprintResponse, 1)
	found <- device.NewFingerprint(g.group())
	go func() {
		<-ctx.Done()
		close(found)
	}()
	return found, nil
}

func (g *gpus) group() *device.DeviceGroup {
	cards := make([]*device.Device, g.count)
	for number := range cards {
		cards[number] = &device.Device{ID: fmt.Sprintf("GPU-%d", number), Healthy: true}
	}
	return &device.DeviceGroup{
		Vendor:     vendor,
		Type:       device.DeviceTypeGPU,
		Name:       model,
		Devices:    cards,
		Attributes: map[string]*structs.Attribute{"memory": structs.NewIntAttribute(memory, "GiB")},
	}
}

// Reserve hands cards to a task as the plugin of NVIDIA does: by the variable its runtime reads.
func (g *gpus) Reserve(ids []string) (*device.ContainerReservation, error) {
	cards := map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(ids, ",")}
	return &device.ContainerReservation{Envs: cards}, nil
}

// Stats has nothing to say of cards that are not there.
func (g *gpus) Stats(ctx context.Context, _ time.Duration) (<-chan *device.StatsResponse, error) {
	said := make(chan *device.StatsResponse)
	go func() {
		<-ctx.Done()
		close(said)
	}()
	return said, nil
}
