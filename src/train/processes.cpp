#include "coterie/train/processes.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

#if defined(COTERIE_GLOO)
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO 1
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#if defined(COTERIE_NCCL)
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL 1
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

namespace coterie {
namespace {

#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif
using Store = c10::intrusive_ptr<c10d::Store>;
using Work = c10::intrusive_ptr<c10d::Work>;
using Milliseconds = std::chrono::milliseconds;

Milliseconds timeout_of(const ProcessSettings& settings) {
  return Milliseconds(static_cast<std::int64_t>(settings.timeout * 1000));
}

/// What libtorch says of an error, without its full stop and the trace that follows.
std::string first_line(const std::exception& error) {
  std::string text = error.what();
  text.resize(std::min(text.find('\n'), text.size()));
  while (text.ends_with('.')) text.pop_back();
  return printable(text);
}

Store open_store(const ProcessSettings& settings) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(settings.port);
  options.isServer = settings.rank == 0 && !settings.agent_store;
  options.waitWorkers = false;  // wait_for_all says who is missing.
  options.timeout = timeout_of(settings);
  auto store = c10::make_intrusive<c10d::TCPStore>(settings.address, options);
  store->setTimeout(options.timeout);
  return c10::make_intrusive<c10d::PrefixStore>("coterie/" + settings.attempt, store);
}

void wait_for_all(c10d::Store& store, const ProcessSettings& settings) {
  const auto key = [](int rank) { return "rank/" + std::to_string(rank); };
  if (store.add(key(settings.rank), 1) > 1)
    throw UserError("RANK = {} is taken by two processes; give each its own, from 0 to {}",
                    settings.rank, settings.size - 1);
  const auto deadline = std::chrono::steady_clock::now() + timeout_of(settings);
  std::vector<std::string> missing;
  for (int rank = 0; rank < settings.size; ++rank) {
    while (!store.check({key(rank)}) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(Milliseconds(20));
    if (!store.check({key(rank)})) missing.push_back(std::to_string(rank));
  }
  if (!missing.empty())
    throw UserError(
        "of {} processes these did not come to {}:{} within {:g} seconds: {}; start all with the "
        "same WORLD_SIZE, MASTER_ADDR and MASTER_PORT, and RANK from 0 to {}",
        settings.size, printable(settings.address), settings.port, settings.timeout,
        join(missing, ", "), settings.size - 1);
}

#if defined(COTERIE_GLOO)
c10::intrusive_ptr<Backend> connect_gloo(const ProcessSettings& settings, const Store& store) {
  using Gloo = c10d::ProcessGroupGloo;
  auto options = Gloo::Options::create(timeout_of(settings));
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  const bool local = settings.address == "localhost" || settings.address.starts_with("127.");
  // On one machine nothing is to depend on how its name resolves.
  options->devices.push_back(interface && *interface ? Gloo::createDeviceForInterface(interface)
                             : local ? Gloo::createDeviceForHostname(settings.address)
                                     : Gloo::createDefaultDevice());
  return c10::make_intrusive<Gloo>(store, settings.rank, settings.size, options);
}
#endif

#if defined(COTERIE_NCCL)
c10::intrusive_ptr<Backend> connect_nccl(const ProcessSettings& settings, const Store& store) {
  // Without it NCCL waits on the GPU, and libtorch answers a lost peer by ending this process in a
  // way that cannot be caught.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
  setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
#else
  setenv("NCCL_BLOCKING_WAIT", "1", 0);
#endif
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout_of(settings);
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, settings.rank, settings.size, options);
}
#endif

c10::intrusive_ptr<Backend> connect([[maybe_unused]] const ProcessSettings& settings,
                                    [[maybe_unused]] const Store& store,
                                    [[maybe_unused]] torch::Device device) {
#if defined(COTERIE_NCCL)
  if (device.is_cuda()) return connect_nccl(settings, store);
#endif
#if defined(COTERIE_GLOO)
  return connect_gloo(settings, store);
#else
  throw UserError(
      "WORLD_SIZE = {} asks for several processes on {}, but this program was built without what "
      "connects them there; install libgloo-dev (or NCCL's headers for GPUs) and build it again, "
      "or start one process",
      settings.size, device.str());
#endif
}

}  // namespace

struct Processes::Group {
  c10::intrusive_ptr<Backend> backend;
  torch::Device device;
  int rank;
  int size;
  Milliseconds timeout;

  /// Does `work`, which waits for others in the operation `name`.
  template <class Function>
  void reach_others(const char* name, Function&& work) const {
    try {
      work();
    } catch (const std::invalid_argument&) {
      throw;  // A tensor that cannot be sent: our fault, not a peer's.
    } catch (const std::exception& error) {
      throw PeerLost(fmt::format(
          "process {} of {} lost the others in '{}': {}. One of them ended or gave no answer for "
          "{:g} seconds; its own output says why",
          rank, size, name, first_line(error), std::chrono::duration<double>(timeout).count()));
    }
  }

  Work start_sum(torch::Tensor& values) const {
    std::vector<torch::Tensor> tensors = {values};
    return backend->allreduce(tensors);
  }

  torch::Tensor sum(const torch::Tensor& local) const {
    torch::Tensor total = local.detach().clone(torch::MemoryFormat::Contiguous);
    reach_others("sum", [&] { start_sum(total)->wait(timeout); });
    return total;
  }

  torch::Tensor gather(const torch::Tensor& local) const {
    std::vector<torch::Tensor> own = {local.detach().contiguous()};
    auto shape = local.sizes().vec();
    shape.at(0) *= size;
    const torch::Tensor all = torch::empty(shape, own[0].options());
    std::vector<std::vector<torch::Tensor>> parts = {all.chunk(size)};
    reach_others("gather", [&] { backend->allgather(parts, own)->wait(timeout); });
    return all;
  }

  void broadcast(torch::Tensor& values) const {
    std::vector<torch::Tensor> tensors = {values};
    reach_others("broadcast", [&] { backend->broadcast(tensors)->wait(timeout); });
  }
};

namespace {

/// Lets a graph keep what it needs to communicate.
template <class Group>
struct Kept : torch::CustomClassHolder {
  explicit Kept(std::shared_ptr<Group> kept) : group(std::move(kept)) {}
  std::shared_ptr<Group> group;

  static void save(torch::autograd::AutogradContext* context, const std::shared_ptr<Group>& group) {
    context->saved_data["group"] =
        c10::IValue::make_capsule(c10::make_intrusive<Kept<Group>>(group));
  }
  static const Group& of(torch::autograd::AutogradContext* context) {
    const auto capsule = context->saved_data["group"].toCapsule();
    return *static_cast<const Kept<Group>*>(capsule.get())->group;
  }
};

}  // namespace

struct Processes::Gather : torch::autograd::Function<Processes::Gather> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& local, const std::shared_ptr<Group>& group) {
    Kept<Group>::save(context, group);
    return group->gather(local);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const Group& group = Kept<Group>::of(context);
    const auto rows = gradients[0].size(0) / group.size;
    return {group.sum(gradients[0]).narrow(0, group.rank * rows, rows), torch::Tensor()};
  }
};

struct Processes::Sum : torch::autograd::Function<Processes::Sum> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& local, const std::shared_ptr<Group>& group) {
    Kept<Group>::save(context, group);
    return group->sum(local);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {Kept<Group>::of(context).sum(gradients[0]), torch::Tensor()};
  }
};

Processes::Processes() = default;

Processes::Processes(const ProcessSettings& settings, torch::Device device)
    : rank_(settings.rank), size_(settings.size) {
  if (size_ == 1) return;
  try {
    const Store store = open_store(settings);
    wait_for_all(*store, settings);
    group_ = std::make_shared<Group>(
        Group{connect(settings, store, device), device, rank_, size_, timeout_of(settings)});
    barrier();
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError(
        "process {} of {} cannot join the others at MASTER_ADDR = {}, MASTER_PORT = {} ({}); start "
        "all of them within {:g} seconds, with a port that is free on the machine of process 0",
        rank_, size_, printable(settings.address), settings.port, first_line(error),
        settings.timeout);
  }
}

torch::Tensor Processes::gather(const torch::Tensor& local) const {
  return group_ ? Gather::apply(local, group_) : local;
}

torch::Tensor Processes::sum(const torch::Tensor& local) const {
  return group_ ? Sum::apply(local, group_) : local;
}

void Processes::broadcast(torch::Tensor& tensor) const {
  if (!group_) return;
  torch::NoGradGuard no_grad;
  torch::Tensor values = tensor.detach().to(group_->device).contiguous();
  group_->broadcast(values);
  tensor.copy_(values);
}

std::string Processes::broadcast(const std::string& bytes) const {
  if (!group_) return bytes;
  torch::Tensor length = torch::tensor(static_cast<std::int64_t>(bytes.size()));
  broadcast(length);
  std::string all(static_cast<std::size_t>(length.item<std::int64_t>()), '\0');
  if (all.empty()) return all;
  if (first()) all = bytes;
  torch::Tensor values =
      torch::from_blob(all.data(), {static_cast<std::int64_t>(all.size())}, torch::kByte);
  broadcast(values);
  return all;
}

bool Processes::any(bool flag) const {
  if (!group_) return flag;
  return group_->sum(torch::full({1}, flag ? 1 : 0, torch::TensorOptions(group_->device)))
             .item<float>() > 0;
}

Processes::PendingSum Processes::start_sum(torch::Tensor slice) const {
  if (!group_) return PendingSum([] {});
  Work work;
  group_->reach_others("sum of gradients", [&] { work = group_->start_sum(slice); });
  return PendingSum([group = group_, work] {
    group->reach_others("sum of gradients", [&] { work->wait(group->timeout); });
  });
}

}  // namespace coterie
