// Containers of one instance, as deploy/services.json declares them. Creates no resource.
param names array
param services object
param settings object
param parameters object
param image string
param proxyImage string
param sizes object

@description('URL of the API within the environment.')
param proxyUrl string

// An instance is asked for its state only when its port is open.
var probeTypes = ['Startup', 'Readiness']
var declared = [for serviceName in names: union(services[serviceName], { name: serviceName })]

// A variable has a value, or a parameter gives it.
var variables = [
  for service in declared: map(items(union(service.common_settings ? settings : {}, service.settings)), setting => {
    name: setting.key
    value: replace(setting.value.?value ?? parameters[?(setting.value.?parameter ?? '')] ?? setting.value.?default ?? '', 'http://proxy:8080', proxyUrl)
  })
]

output containers array = [
  for (service, index) in declared: {
    name: service.name
    image: service.kind == 'proxy' ? proxyImage : image
    command: [service.command[0]]
    args: skip(service.command, 1)
    env: variables[index]
    resources: { cpu: json(sizes[service.name].cpu), memory: sizes[service.name].memory }
    probes: map(service.probe == null ? [] : probeTypes, probeType => {
      type: probeType
      httpGet: probeType == 'Startup' || service.probe.path == null ? null : { path: service.probe.path, port: service.port }
      tcpSocket: probeType == 'Startup' || service.probe.path == null ? { port: service.port } : null
      periodSeconds: 10
      timeoutSeconds: 10
      failureThreshold: probeType == 'Startup' ? 10 : 3
    })
    volumeMounts: concat(
      empty(service.secrets) ? [] : [{ volumeName: 'secrets-${service.name}', mountPath: '/run/secrets' }],
      map(items(service.files), file => {
        volumeName: 'files'
        mountPath: file.key
        subPath: file.value
      })
    )
  }
]

output volumes array = concat(
  map(filter(declared, service => !empty(service.secrets)), service => {
    name: 'secrets-${service.name}'
    storageType: 'Secret'
    secrets: map(service.secrets, secret => { secretRef: replace(secret, '_', '-'), path: secret })
  }),
  map(filter(declared, service => !empty(service.files)), service => {
    name: 'files'
    storageType: 'Secret'
    secrets: map(items(service.files), file => { secretRef: replace(file.value, '.', '-'), path: file.value })
  })
)
