#include "coterie/train/loss_meter.h"

#include <cmath>

namespace coterie {

void LossMeter::add(const Losses& losses, std::int64_t images) {
  std::vector<std::string> names;
  std::vector<torch::Tensor> values;
  for (const auto& [name, value] : losses.parts) {
    names.push_back(name);
    values.push_back(value.detach().reshape({}));
  }
  if (losses.parts.size() != 1) {
    names.push_back("total");
    values.push_back(losses.total.detach().reshape({}));
  }
  if (names_.empty()) {
    names_ = names;
    sums_.assign(names.size(), 0.0);
  } else if (names != names_) {
    throw std::logic_error("the steps of a stage give losses of different names");
  }
  pending_.emplace_back(torch::stack(values).to(torch::kFloat), images);
}

std::vector<LossMeter::Fault> LossMeter::flush() {
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const auto values = pending_[i].first.cpu();
    for (std::size_t k = 0; k < names_.size(); ++k) {
      const double value = values.data_ptr<float>()[k];
      if (!std::isfinite(value))
        faults.push_back({names_[k], value, static_cast<std::int64_t>(pending_.size() - 1 - i)});
      sums_[k] += value * static_cast<double>(pending_[i].second);
    }
    images_ += pending_[i].second;
  }
  pending_.clear();
  return faults;
}

std::vector<std::pair<std::string, double>> LossMeter::means() const {
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t k = 0; k < names_.size(); ++k)
    out.emplace_back(names_[k], sums_[k] / static_cast<double>(images_));
  return out;
}

nlohmann::json LossMeter::save() const {
  return {{"names", names_}, {"sums", sums_}, {"images", images_}};
}

void LossMeter::load(const nlohmann::json& state) {
  names_ = state.at("names").get<std::vector<std::string>>();
  sums_ = state.at("sums").get<std::vector<double>>();
  images_ = state.at("images").get<std::int64_t>();
}

}  // namespace coterie
