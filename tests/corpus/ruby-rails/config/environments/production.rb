Rails.application.configure do
  config.enable_reloading = false
  config.eager_load = true
  config.logger = ActiveSupport::TaggedLogging.new(Logger.new($stdout))
end
